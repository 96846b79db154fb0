"""A suite that is content."""
import pytest


@pytest.mark.problem("add")
def test_add():
    pass
