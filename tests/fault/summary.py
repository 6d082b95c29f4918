"""What a whole sitting has shown: every row and every flaw, with the seeds to repeat it."""

from collections import Counter
from dataclasses import dataclass, field

from tests.fault.report import Report

TOLD = ("chats", "takeovers", "refused_zombie_appends", "refused_finishers", "resumes", "cancels", "buried")


@dataclass
class Summary:
    """Grows with every run.

    Attributes:
        left: names of what there was no time for.
    """

    seconds: float = 0.0
    left: list[str] = field(default_factory=list)
    _runs: dict[str, list[Report]] = field(default_factory=dict)
    _flaws: dict[str, bool] = field(default_factory=dict)

    def add(self, report: Report) -> None:
        """A run that must find nothing."""
        self._runs.setdefault(report.title, []).append(report)

    def add_flaw(self, name: str, report: Report) -> None:
        """A run that must find something."""
        self._flaws[name] = bool(report.violations)

    @property
    def is_good(self) -> bool:
        """All was run; every promise held, and every broken one was noticed."""
        return not self.left and not self._violations and all(self._flaws.values())

    @property
    def _reports(self) -> list[Report]:
        return [report for reports in self._runs.values() for report in reports]

    @property
    def _violations(self) -> int:
        return sum(len(report.violations) for report in self._reports)

    def text(self) -> str:
        """For the terminal, and for a table."""
        faults: Counter[str] = Counter()
        figures: Counter[str] = Counter()
        for report in self._reports:
            faults += report.faults
            figures += report.figures
        lines = ["", f"{'row':<42}{'runs':>5}{'failed':>8}{'faults':>8}{'seconds':>9}  seeds"]
        lines += [_line(title, reports) for title, reports in self._runs.items()]
        lines += [f"flaw {name:<37}{'noticed' if seen else 'NOT NOTICED'}" for name, seen in self._flaws.items()]
        lines += [f"{name:<42}not run, the time was up" for name in self.left]
        told = ", ".join(f"{figures[name]} {name.replace('_', ' ')}" for name in TOLD)
        lines.append(f"{len(self._reports)} runs in {self.seconds / 60:.1f} min, {faults.total()} faults, {told}")
        lines.append(f"faults: {', '.join(f'{name} {number}' for name, number in sorted(faults.items())) or 'none'}")
        lines.append(f"{'ok' if self.is_good else 'FAILED'}: {self._violations} violations")
        return "\n".join(lines)


def _line(title: str, reports: list[Report]) -> str:
    failed = [report.seed for report in reports if report.violations]
    seeds = sorted(report.seed for report in reports)
    named = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    if failed:
        named += f", failed: {', '.join(map(str, failed))}"
    faults = sum(report.faults.total() for report in reports)
    seconds = sum(report.seconds for report in reports)
    return f"{title:<42}{len(reports):>5}{len(failed):>8}{faults:>8}{seconds:>9.0f}  {named}"
