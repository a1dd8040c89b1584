"""A worker of a matrix that measures nothing, so that it takes no time.

    python stand_in.py TEMPLATE LOG [FAULT]

Answers as `effectcam.bench.worker` does. Its report is the one in TEMPLATE with what the job asks for; each
turn is a line in LOG. FAULT: ``start`` or ``turn`` ends it there, ``refuse`` answers with a reason.
"""

import json
import sys
from pathlib import Path

from effectcam.live.cores import kept_cores

_ASKED = ("clip", "faces", "frames", "turn", "burn_in", "priority", "threads")


def answer(**told: str) -> None:
    print(json.dumps(told), flush=True)


def main(template: str, log: str, fault: str = "") -> None:
    job = json.loads(sys.stdin.readline())
    if fault == "start":
        sys.exit("the driver brought it down")
    if fault == "refuse":
        answer(did="failed", error="gpu refused: there is none")
        return
    answer(did="ready")
    turns = -(-job["frames"] // job["turn"])
    for turn in range(turns):
        if not sys.stdin.readline():
            return
        if fault == "turn" and turn == 1:
            sys.exit("it fell over")
        with open(log, "a") as file:
            file.write(f"{job['report']} {turn}\n")
        if turn < turns - 1:
            answer(did="turn")
    report = json.loads(Path(template).read_text())
    report["settings"].update({name: job[name] for name in _ASKED})
    report["settings"]["effect"].update(name="plain", version="1.2.0", tier=job["tier"])
    report["settings"]["cores"] = kept_cores(job["cores"])
    report["device"] = job["device"]
    Path(job["report"]).write_text(json.dumps(report))
    answer(did="report")


if __name__ == "__main__":
    main(*sys.argv[1:])
