"""A run as one page that stands by itself: ``run.report("page.html")``."""

from imagegen_kit.report.write import write_report

__all__ = ["write_report"]
