from __future__ import annotations

import os
import pty
import sys
import tty

import click
import pytest

from spotted.cli.asking.keys import at_terminal, read_key, read_line


def test_input_of_a_program_is_read_by_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click, "prompt", lambda *_, **__: " d torn ear ")
    monkeypatch.setattr("spotted.cli.asking.keys.at_terminal", lambda: False)
    assert read_key("same (s)") == "d torn ear"
    assert read_line("note") == "d torn ear"


def test_a_key_at_a_terminal_needs_no_enter_and_what_was_typed_before_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    main, terminal = pty.openpty()
    tty.setraw(terminal)
    with os.fdopen(terminal, "r") as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        assert at_terminal()
        os.write(main, b"ssss")

        def pressed() -> str:
            # what was typed before the prompt is gone
            os.set_blocking(typed.fileno(), False)
            with pytest.raises(BlockingIOError):
                os.read(typed.fileno(), 9)
            return "D"

        monkeypatch.setattr(click, "getchar", pressed)
        assert read_key("same (s)") == "d"
    os.close(main)
