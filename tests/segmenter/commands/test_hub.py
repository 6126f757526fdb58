"""segmenter/commands/push.py, pull.py: without a network they end in one sentence, and leave nothing."""

import pytest

from segmenter.__main__ import main


@pytest.mark.parametrize("command", ["push", "pull"])
def test_the_hub_without_network_is_one_sentence(command, trained, tmp_path, refused):
    arguments = [str(trained), "me/model", "--no-scores"] if command == "push" else ["me/model", str(tmp_path / "new")]
    refused(main([command, *arguments]), "hub")
    assert not (tmp_path / "new").exists()
