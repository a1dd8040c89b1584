"""How steady, seamless and true an effect is on a clip, by number.

`Meters` runs a list of `Metric` over the `Moment` of each frame and sums up. Every metric's docstring has its
formula and source; `FIGURES` are all the numbers that there are, and which way is better.
"""

from effectcam.replay.metrics.figure import Figure, Summary, Values
from effectcam.replay.metrics.meters import FIGURES, Meters, metrics_for
from effectcam.replay.metrics.metric import Metric
from effectcam.replay.metrics.moment import Moment

__all__ = ["FIGURES", "Figure", "Meters", "Metric", "Moment", "Summary", "Values", "metrics_for"]
