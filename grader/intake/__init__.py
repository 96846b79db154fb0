"""Take in a tree: a folder, an archive or a commit becomes a staged copy of its files, or a sentence why it cannot."""

from grader.intake.staging import StagedTree, report_names, stage, stage_sources

__all__ = ["StagedTree", "report_names", "stage", "stage_sources"]
