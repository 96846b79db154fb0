"""A small notebook with two solutions, as text, for the tests of grader.derive."""

from __future__ import annotations

FRONT = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: My machine's own Python
  language: python
  name: venv-of-somebody
---
"""
BEGIN, END = "### BEGIN YOUR SOLUTION", "### END YOUR SOLUTION"
SECRET = f'''\
{FRONT}
# Needle

Write between `{BEGIN}` and `{END}`.

```{{code-cell}} ipython3
:tags: [parameters, hide-input]

LIMIT = None
```

## Part 3: `flip` and its strides

```python
# Not a heading, and not a cell
```

```{{code-cell}} ipython3
%matplotlib inline
import numpy as np

def rule(strides):
    """The strides of a flipped array."""
    {BEGIN}
    return tuple(-stride for stride in strides)
    {END}
```

~~~{{code-cell}} ipython3
---
tags: [skip-execution]
---
!echo shell
{BEGIN}
answer = rule((8, 4, 1))
assert answer == (-8, -4, -1), "a \\"quoted\\" word"
{END}
print(answer)
~~~
'''


def cell(*lines: str) -> str:
    """A notebook of one code cell; its source begins on line 13."""
    return "\n".join([FRONT, "```{code-cell} ipython3", *lines, "```", ""])
