"""The only place that imports boto3: one module for each thing of AWS that Isotherm touches."""
