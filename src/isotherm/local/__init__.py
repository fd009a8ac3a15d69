"""The embedded stack: its tools, starting and stopping it, building and deploying to it. Measures nothing."""
