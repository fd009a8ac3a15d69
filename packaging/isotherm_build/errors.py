"""The one error a build ends with when it cannot be done as asked; its text is for the person who asked."""


class BuildRefused(Exception):
    """Nothing was put into the artifact directory that could be taken for a finished build."""
