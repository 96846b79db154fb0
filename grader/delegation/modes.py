"""What a worker may change on purpose, from the weakest to the strongest; subject/perturbation.py says what each does.

Here and not beside it, because the server reads assignments and must not import what runs beside a submission. The kit
holds a copy for the worker.
"""

PLAIN, KERNELS, MASKED, SEALED = "plain", "kernels", "masked", "sealed"
MODES = (PLAIN, KERNELS, MASKED, SEALED)
