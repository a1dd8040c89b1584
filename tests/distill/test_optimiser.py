"""Muon's steps, and what a training keeps of them."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from torch import nn  # noqa: E402

from effectcam.distill.net import NetConfig, Student  # noqa: E402
from effectcam.distill.optimiser import Muon, Optimiser, orthogonal  # noqa: E402


@pytest.mark.parametrize("shape", [(3, 8, 24), (2, 24, 8), (1, 16, 16)])
def test_all_directions_of_a_matrix_come_out_alike(shape: tuple[int, ...]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 1e-3
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    found = orthogonal(matrices)
    assert torch.linalg.svdvals(found).min() > 0.3
    assert torch.linalg.svdvals(found).max() < 1.3
    # The directions themselves stay: nearest to the input is U Vᵀ.
    assert float((found * (left @ right)).sum() / (left @ right).square().sum()) > 0.75


def test_a_step_has_one_length_whatever_the_gradients() -> None:
    """Which is AdamW's: 0.2 root mean square, times the rate."""
    lengths = []
    for scale in (1e-6, 1.0, 1e6):
        matrix = nn.Parameter(torch.zeros(16, 48, 1, 1))
        muon = Muon([matrix], rate=0.01, decay=0.0)
        matrix.grad = scale * torch.randn(matrix.shape, generator=torch.Generator().manual_seed(1))
        muon.step()
        lengths.append(float(matrix.detach().square().mean().sqrt()))
    assert lengths == pytest.approx([0.2 * 0.01] * 3, rel=0.15)


def test_a_student_learns_with_both_and_goes_on_as_it_stood() -> None:
    net = NetConfig(widths=(8, 8, 8, 8, 8), depth=1, expansion=2)
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))

    def begun() -> tuple[Student, Optimiser]:
        torch.manual_seed(0)
        student = Student(net)
        return student, Optimiser(student, rate=1e-3, decay=0.0)

    def steps(student: Student, optimiser: Optimiser, count: int) -> float:
        loss = torch.tensor(0.0)
        for _ in range(count):
            loss = (student(image) - (1 - image)).square().mean()
            loss.backward()
            optimiser.step(2e-3)
            assert all(weight.grad is None for weight in student.parameters())
        return float(loss.detach())

    student, optimiser = begun()
    first, last = steps(student, optimiser, 1), steps(student, optimiser, 40)
    assert last < 0.9 * first
    student, optimiser = begun()
    steps(student, optimiser, 12)
    other, again = begun()
    steps(other, again, 4)
    third, resumed = begun()
    third.load_state_dict(other.state_dict())
    resumed.load_state_dict(again.state_dict())
    steps(third, resumed, 8)
    for one, two in zip(student.parameters(), third.parameters(), strict=True):
        torch.testing.assert_close(one, two)
