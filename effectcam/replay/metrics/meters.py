"""All metrics at once, over a clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType

from effectcam.effect.manifest import Manifest
from effectcam.frame import Frame, Pixels
from effectcam.pipeline import Pipeline
from effectcam.replay.metrics.drift import Drift
from effectcam.replay.metrics.figure import Figure, Spread, Summary, Values
from effectcam.replay.metrics.flicker import Flicker
from effectcam.replay.metrics.jitter import CropJitter
from effectcam.replay.metrics.landmark_error import LandmarkError
from effectcam.replay.metrics.likeness import Likeness
from effectcam.replay.metrics.metric import Metric
from effectcam.replay.metrics.moment import Moment
from effectcam.replay.metrics.presence import FaceCoverage, IdentitySwitches
from effectcam.replay.metrics.seam import SeamRatio
from effectcam.replay.metrics.warping import WarpingError

FIGURES: dict[str, Figure] = {
    figure.name: figure
    for kind in (
        *(WarpingError, Drift, Flicker, CropJitter, SeamRatio),
        *(LandmarkError, FaceCoverage, IdentitySwitches, Likeness),
    )
    for figure in kind.figures
}
"""Every figure that there is, by name."""


def metrics_for(effect: Manifest, *, faces: int = 1) -> list[Metric]:
    """Those that have something to say of ``effect``; the caller closes them. ``faces``: how many may get it.
    Raises FaceMeshError."""
    metrics: list[Metric] = [WarpingError(), Drift(), Flicker(), Likeness()]
    if "face" in effect.places:
        margin = effect.crop.margin
        metrics += [CropJitter(margin=margin), SeamRatio(), FaceCoverage(), IdentitySwitches(margin=margin)]
        metrics.append(LandmarkError(faces=faces))
    return metrics


class Meters:
    """Runs metrics over the frames of one clip and sums up what they say, in memory that does not grow.

    A context manager: it closes the metrics.
    """

    def __init__(
        self,
        metrics: Sequence[Metric],
        *,
        golden: Callable[[Frame], Pixels | None] = lambda frame: None,
        each: Callable[[int, Values], None] = lambda frame, values: None,
    ) -> None:
        """``golden``: what an output of this index and stamp should look like, None where that is not known.
        ``each`` gets every frame's index and figures, as for a timeline, and keeps what it wants."""
        self._metrics = metrics
        self._golden = golden
        self._each = each
        self._spreads: dict[str, Spread] = {}
        self._last: Moment | None = None

    def look(self, pipeline: Pipeline, before: Frame, after: Frame) -> None:
        """See the frame that ``pipeline`` has just made of ``before``; raises as ``see`` does."""
        self.see(Moment.of(pipeline, before, after, golden=self._golden(after)))

    def see(self, moment: Moment) -> None:
        """Frames come in order. Raises what a metric raises: FaceMeshError, UsageError for a golden of
        another size."""
        moment.previous = self._last
        if self._last is not None and self._last.previous is not None:
            self._last.previous.previous = None
        self._last = moment
        values: dict[str, float] = {}
        for metric in self._metrics:
            values |= metric.see(moment)
        for name, value in values.items():
            spread = self._spreads.get(name)
            if spread is None:
                spread = self._spreads[name] = Spread(FIGURES[name])
            spread.add(value, moment.before.index)
        self._each(moment.before.index, values)

    @property
    def summaries(self) -> dict[str, Summary]:
        """By the figure's name, in the order of `FIGURES`; without those of which no frame said anything."""
        found = {}
        for name, figure in FIGURES.items():
            summary = self._ratio(figure) if figure.how == "ratio" else self._summary(name)
            if summary is not None:
                found[name] = summary
        return found

    def close(self) -> None:
        for metric in self._metrics:
            metric.close()

    def __enter__(self) -> Meters:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _summary(self, name: str) -> Summary | None:
        return self._spreads[name].summary if name in self._spreads else None

    def _ratio(self, figure: Figure) -> Summary | None:
        above, below = (self._summary(name) for name in figure.of)
        if above is None or below is None or below.value == 0:
            return None
        return Summary(above.value / below.value, None, None, None, None, above.frames)
