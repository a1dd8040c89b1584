"""A student on an accelerator, with the CPU behind it."""

from __future__ import annotations

from collections.abc import Callable

from effectcam.errors import StudentError, UsageError
from effectcam.frame import Pixels
from effectcam.student.litert import LiteRtStudent
from effectcam.student.remote import RemoteStudent
from effectcam.student.wrapped import WrappedStudent


class FallbackStudent(WrappedStudent[RemoteStudent | LiteRtStudent]):
    """``first`` as long as it draws; from the first picture that it fails on, that one included, the
    student that ``make_second`` opens on the CPU.

    The second is opened in that moment, which makes that one frame some 30 ms late; one kept ready would
    hold 15 MB for a day that seldom comes. ``first`` is not asked again: a driver that failed fails more
    often than not, and each time would cost a frame. ``tell`` gets the one line that says so.
    """

    def __init__(
        self,
        first: RemoteStudent,
        make_second: Callable[[], LiteRtStudent],
        *,
        name: str,
        tell: Callable[[str], None],
    ) -> None:
        super().__init__(first)
        self._make_second = make_second
        self._name = name
        self._tell = tell

    def run(self, image: Pixels) -> Pixels:
        first = self._student
        if isinstance(first, LiteRtStudent):
            return first.run(image)
        try:
            return first.run(image)
        except UsageError:
            raise
        except StudentError as error:
            if first.closed:
                raise
            self._student = self._make_second()
            self._tell(
                f"{first.placement} failed on {self._name}: {error}; the cpu draws from here on, "
                "start again to try it again"
            )
            first.close()
            return self._student.run(image)
