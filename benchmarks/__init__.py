"""Speed of the model: ratios measured side by side in one run. Start with `tizhen bench`."""
