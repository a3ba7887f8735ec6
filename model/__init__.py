"""The model of Liaoning: households, firms, city governments, and the policies that reach them."""

import os

# A matrix product on several threads adds in another order: the last bit would depend on the
# machine and on whether a worker or the command itself computes. NumPy reads these when imported.
MATRIX_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
for _name in MATRIX_THREADS:
    os.environ.setdefault(_name, "1")

from model.compilation import use_content_addressed_cache  # noqa: E402

use_content_addressed_cache()
