"""Builds what is deployed: the archives of the measured functions and the layers of the others. Runs at `sam build`."""
