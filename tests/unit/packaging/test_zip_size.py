"""The size that is computed is the size of the zip file that SAM writes."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from isotherm_build.tree import files_below
from isotherm_build.zip_size import END_OF_ARCHIVE, members_size

names = st.text("abcxyzäß", min_size=1, max_size=8)


def zip_as_sam_does(folder: Path, archive: Path) -> int:
    """Zip a folder the way samcli.lib.package.utils.make_zip_with_lambda_permissions does, and give the file's size."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in files_below(folder):
            member = zipfile.ZipInfo(path.relative_to(folder).as_posix())
            member.create_system = 3
            member.external_attr = path.stat().st_mode << 16
            file.writestr(member, path.read_bytes(), compress_type=zipfile.ZIP_DEFLATED)
    return archive.stat().st_size


@given(
    st.dictionaries(
        st.tuples(names, names),
        st.binary(max_size=300)
        | st.builds(lambda byte, count: byte * count, st.binary(max_size=4), st.integers(0, 9999)),
        max_size=6,
    )
)
def test_computed_size_is_that_of_the_zip_file(contents: dict[tuple[str, str], bytes]) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "tree"
        root.mkdir()
        for (folder, name), content in contents.items():
            path = root / folder / f"{name}.bin"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        written = zip_as_sam_does(root, Path(place) / "tree.zip")
        assert members_size(root, files_below(root)) + END_OF_ARCHIVE == written
