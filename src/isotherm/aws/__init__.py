"""The only place that speaks to AWS: one module for each thing of it that Isotherm touches."""
