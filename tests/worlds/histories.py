"""Random histories, each about one theme: so its moves meet each other often."""

from hypothesis import strategies as st
from worlds.lies import Impostor, Spoil
from worlds.moves import listing, others, removing, retrieving, sending
from worlds.world import Kill, Lose

_TWO = st.integers(0, 1)
_MOSTLY_ONE = st.sampled_from((0, 0, 0, 1))  # so that moves meet in one vault, or one file
_SOME = st.integers(0, 3)
_CONTENTS = st.integers(0, len(sending.CONTENTS) - 1)
_NAMES = st.none() | st.sampled_from(sending.FILES)
_HOW = st.sampled_from(("plain", "plain", "plain", "single", "again", "described", "two requests"))
_VAULTS = st.sampled_from((0, 0, 1, None))

#: What may happen to a command, by kind.
ACCIDENTS = {
    "loss": st.builds(
        Lose, st.sampled_from((0, 1, 2, 2, 2, 3)), st.booleans(), st.sampled_from((1, 9))
    ),
    "kill": st.builds(Kill, st.integers(1, 60)),
    "lie": st.builds(
        Spoil,
        st.sampled_from((0, 1, 2, 2, 3)),
        st.integers(0, 12),
        st.sampled_from(("absent", "wrong", "other")),
        st.booleans(),
    ),
    "impostor": st.builds(Impostor, st.sampled_from(("honest", "true", "absent", "wrong"))),
}

#: Which moves and which accidents a history of a theme is made of; the likelier ones repeated.
THEMES = {
    "endings": """
        upload upload again again change stream delete delete-elsewhere empty wait wait sync keep
        put-back : none loss loss kill kill lie
    """,
    "identities": """
        upload go go sync delete empty delete-vault create remake-elsewhere verify restore wait
        : none none loss lie
    """,
    "listings": """
        upload upload-elsewhere delete-elsewhere remake-elsewhere delete sync sync wait wait import
        import reimport verify audit restore keep put-back : none none none kill lie
    """,
    "proofs": """
        upload upload-elsewhere change download download output sample restore verify again sync
        wait heal
        : impostor lie lie loss
    """,
    "all": """
        upload change stream delete delete-elsewhere upload-elsewhere remake-elsewhere create again
        sync import reimport download output sample restore verify audit empty delete-vault go wait
        keep put-back heal : none loss kill lie impostor
    """,
}


def _kinds(accident):
    """Return a strategy for each kind of move; `accident` is what happens to commands."""
    return {
        "upload": st.builds(sending.Upload, _MOSTLY_ONE, _MOSTLY_ONE, _HOW, accident),
        "stream": st.builds(sending.Stream, _CONTENTS, _MOSTLY_ONE, accident),
        "change": st.builds(sending.Change, _MOSTLY_ONE, _CONTENTS, st.booleans()),
        "delete": st.builds(removing.Delete, _MOSTLY_ONE, _SOME, _NAMES, accident),
        "delete-elsewhere": st.builds(others.DeleteElsewhere, _MOSTLY_ONE, _SOME),
        "upload-elsewhere": st.builds(others.UploadElsewhere, _MOSTLY_ONE, _CONTENTS, _TWO),
        "remake-elsewhere": st.builds(others.RemakeElsewhere, _MOSTLY_ONE, st.booleans()),
        "create": st.builds(removing.Create, _TWO, accident),
        "sync": st.builds(listing.Sync, _VAULTS, accident=accident),
        "import": st.builds(
            listing.Import,
            _MOSTLY_ONE,
            st.sampled_from(("json", "csv")),
            st.sampled_from(("whole", "limit", "after", "before")),
            accident,
        ),
        "reimport": st.builds(listing.Reimport, st.integers(1, 3)),
        "download": st.builds(
            retrieving.Download,
            _MOSTLY_ONE,
            _SOME,
            _NAMES,
            st.sampled_from(("file", "stdout", "range")),
            accident,
        ),
        "restore": st.builds(retrieving.Restore, _MOSTLY_ONE, accident),
        "output": st.builds(retrieving.Output, _MOSTLY_ONE, _SOME, accident),
        "sample": st.builds(retrieving.Sample, _MOSTLY_ONE, accident),
        "verify": st.builds(listing.Verify, _MOSTLY_ONE, _SOME, _TWO, accident),
        "audit": st.builds(listing.Audit, _VAULTS),
        "empty": st.builds(removing.Empty, _MOSTLY_ONE, st.booleans(), accident),
        "delete-vault": st.builds(removing.DeleteVault, _MOSTLY_ONE, accident),
        "go": st.builds(others.Go, _MOSTLY_ONE, _SOME, _TWO, st.booleans(), st.booleans()),
        "again": st.builds(others.Again),
        "wait": st.builds(others.Wait, st.sampled_from((1, 30, 100))),
        "keep": st.builds(others.Keep),
        "put-back": st.builds(others.PutBack),
        "heal": st.builds(others.Heal),
    }


@st.composite
def histories(draw, theme, most=10):
    """Draw which accidents happen, if any, and which moves of a theme are made."""
    names, accidents = (text.split() for text in THEMES[theme].split(":"))
    chosen = draw(st.sampled_from(accidents))
    accident = st.none()
    if chosen != "none":
        accident = st.one_of(st.none(), ACCIDENTS[chosen], ACCIDENTS[chosen])
    kinds = _kinds(accident)
    some = st.lists(st.one_of([kinds[name] for name in names]), max_size=most)
    # Several lists, for one of them alone is mostly short.
    return [draw(kinds["upload"]), *draw(some), *draw(some), *draw(some)]
