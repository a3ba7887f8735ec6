import model  # noqa: F401  (before NumPy: it sets the threads of matrix products)
