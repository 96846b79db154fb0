"""A grade in the formats that people and other systems read; one model (`grader.score.Grade`), a module a format."""
