"""Which versions are a lane's own, whatever others publish beside them and wherever the lane was stopped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from isotherm.campaign.publishing import Publishing

MARK = "c" * 80 + "/r00-" + "t" * 48 + "-ap-southeast-4-ap-southeast-3/s99/0123456789abcdef"


@given(noted=st.integers(0, 20), unnoted=st.booleans(), others=st.lists(st.text(max_size=40), max_size=20))
def test_all_that_the_lane_published_is_its_own_and_nothing_else(
    noted: int, *, unnoted: bool, others: list[str]
) -> None:
    publishing = Publishing("id/lane/s0/abc", 512)
    theirs = [*others, publishing.of_function(0, 0), Publishing("id/lane/s0/abd", 512).of_version(0)]
    found = [(str(number), text) for number, text in enumerate(theirs, start=1)]
    for number in range(noted):
        found.append((str(100 + number), publishing.of_version(number)))
        publishing = publishing.published(str(100 + number))
    ours = set(publishing.versions)
    if unnoted:
        found.append(("200", publishing.of_version(noted)))
        ours.add("200")
    assert set(publishing.ours(found)) == ours


def test_a_description_copied_from_ours_makes_a_version_nobody_s_to_delete() -> None:
    publishing = Publishing("id/lane/s0/abc", 512).published("7")
    assert publishing.ours([("7", publishing.of_version(0)), ("9", publishing.of_version(0))]) == ["7"]
    # Not noted, and two have it: nobody can tell which.
    assert publishing.ours([("10", publishing.of_version(1)), ("11", publishing.of_version(1))]) == []


def test_descriptions_differ_and_fit_where_all_names_are_as_long_as_they_may_be() -> None:
    publishing = Publishing(MARK, 512)
    texts = {publishing.of_version(99), publishing.of_function(99, 7), publishing.of_function(99, 6)}
    assert len(texts) == 3
    assert max(map(len, texts)) <= 256
    assert all(publishing.gave(text) == (text != publishing.of_version(99)) for text in texts)
