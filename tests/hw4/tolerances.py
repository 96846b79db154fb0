"""Where right answers are nearer to the oracle's than their problem's tolerance, or farther: see docs/tolerances.md.

Keywords for assert_close and assert_scalar; what is not named is the problem's.
"""

from __future__ import annotations

# A single layer of ResNet9, and a step of an optimizer: what the whole network adds to the error is not there yet.
LAYER = {"rtol": 1e-5, "atol": 2e-5}

# Weights after steps of Adam with lr 0.01 and eps 1e-3: where a gradient is about 0, lr / eps times its error.
AFTER_ADAM = {"rtol": 0.0, "atol": 2e-4}

# The logits of a ResNet9 with such weights: what is wrong with the weights of eight layers adds to their rounding.
LOGITS_AFTER_ADAM = {"rtol": 1e-5, "atol": 1e-4}

# A softmax of numbers around 1000: the sum's logarithm is known to half a unit in the last place of 1000, 3e-5, two of
# them where it was taken in two steps; exp hands this on.
FAR_SOFTMAX = {"rtol": 1e-5, "atol": 2e-4}

# The loss of such logits: who adds up all logarithms, and apart from them all true logits, loses what a sum of 33
# numbers of 1000 cannot hold.
FAR_LOSS = {"rtol": 1e-5, "atol": 1e-3}

# A sum of 300,000 positive numbers, added one by one to a float.
MANY_TERMS = {"rtol": 1e-4, "atol": 1e-5}
