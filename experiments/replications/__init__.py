"""Published studies rebuilt inside the model: same assignment, outcome, horizon and estimator."""
