from tools.python_reference import markdown, rooms


def test_every_public_package_has_a_page_and_no_internal_one() -> None:
    pages = list(rooms())
    assert {"spotted", "spotted.ranking", "spotted.sampling.strategies", "spotted.errors"} <= set(pages)
    assert len(pages) == len(set(pages))
    assert not {"spotted.v1", "spotted.cli", "spotted.lazy"} & set(pages)


def test_an_example_becomes_code_until_the_next_empty_line() -> None:
    text = "Adds.\n>>> 1 + 1\n2\n\nMore words."
    assert markdown(text) == "Adds.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore words."
    assert markdown(">>> 1\n1").endswith("1\n```")


def test_the_modules_of_a_package_become_a_list() -> None:
    text = "What it is.\n\nstore, keys  where things are\n    indented  code stays"
    assert markdown(text).splitlines()[2:] == [
        "- `store, keys`: where things are",
        "    indented  code stays",
    ]
