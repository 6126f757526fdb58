"""A model on the Hugging Face Hub: its card, up and down again, and never a pickle (notebook 9).

`upload` pushes a run, `download` pulls a model, `card` writes the page of a model, `connection` turns the
errors of the Hub into sentences, and `weights_file` names the weights here and there.
"""

from segmenter.hub.card import model_card
from segmenter.hub.download import pull
from segmenter.hub.upload import push
from segmenter.hub.weights_file import weights_of

__all__ = ["model_card", "pull", "push", "weights_of"]
