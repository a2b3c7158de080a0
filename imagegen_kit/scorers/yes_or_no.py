"""VQAScore: how probable it is that a model that sees answers "yes" when it is asked whether a picture shows a text."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.encode import flatten
from imagegen_kit.retrieval.embedders.model_folder import RANDOM_WEIGHTS, weights_of
from imagegen_kit.retrieval.embedders.model_hash import fingerprint_of
from imagegen_kit.scorers.base import Measurement, Subject
from imagegen_kit.scorers.embedded import RANDOM

if TYPE_CHECKING:
    from PIL import Image

QUESTION = 'Does this figure show "{}"? Please answer yes or no.'  # Lin et al. 2024, "Evaluating Text-to-Visual …"
YES, NO = (tuple(f"{gap}{word}" for gap in ("", " ") for word in words) for words in (("Yes", "yes"), ("No", "no")))
CODE = 1  # raise it when the same files give other numbers


class YesOrNo:
    """A chat model that sees, in a folder of transformers' layout. No code of the folder's own is run.

    Pictures are asked about one after the other: in a batch of texts of unequal length the padding moves the numbers.
    """

    def __init__(self, folder: Path, question: str, device: str | None) -> None:
        if question.count("{}") != 1:
            raise InvalidInput([Fault("preference question", f"{question!r} does not hold {{}} once.")])
        self._question, self._name = question, folder.name
        self._processor, self._model = _loaded(folder, device)
        if not getattr(self._processor, "chat_template", None):
            what = f"{folder.name} has no chat template, so nobody can say how it is asked."
            hint = "Name a model for chats (LLaVA, Qwen-VL …), or a dual encoder such as PickScore."
            raise InvalidInput([Fault("preference model", what, hint)])
        tokenizer = self._processor.tokenizer
        self._yes, self._no = _tokens(tokenizer, YES), _tokens(tokenizer, NO)
        if not self._yes:
            what = f'{folder.name} has no token for "yes".'
            raise InvalidInput([Fault("preference model", what, "Name another model.")])
        self._marks = sorted((str(mark) for mark in tokenizer.all_special_tokens if mark), key=len, reverse=True)
        self._turn = threading.Lock()
        template, random = str(self._processor.chat_template), (folder / RANDOM_WEIGHTS).is_file()
        fingerprint = fingerprint_of(folder, weights_of(folder), code=CODE, question=question, template=template)
        self.feature = f"{folder.name}{f' ({RANDOM})' if random else ''} {fingerprint[:12]}, P(yes)"

    def measure(self, subjects: Sequence[Subject]) -> list[Measurement]:
        """Return one measurement for each picture, all of which have a prompt."""
        return [self._one(flatten(subject.image), subject.prompt) for subject in subjects]

    def _one(self, image: Image.Image, prompt: str) -> Measurement:
        import torch

        for mark in self._marks:  # a prompt is words: it may not end the user's turn, nor stand for a picture
            prompt = prompt.replace(mark, " ")
        said = {"type": "text", "text": self._question.replace("{}", prompt)}
        chat = [{"role": "user", "content": [{"type": "image", "image": image}, said]}]
        with self._turn, torch.inference_mode():
            given = self._processor.apply_chat_template(
                chat, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
            ).to(self._model.device, self._model.dtype)
            likely = self._model(**given).logits[0, -1].float().softmax(-1)
        yes, no = (float(likely[tokens].sum()) for tokens in (self._yes, self._no))
        return Measurement(min(yes, 1.0), details={"yes": yes, "no": no})


def _tokens(tokenizer: Any, words: Sequence[str]) -> list[int]:
    """Return the tokens that are one of ``words`` whole."""
    found = [tokenizer.encode(word, add_special_tokens=False) for word in words]
    return sorted({ids[0] for ids in found if len(ids) == 1} - {tokenizer.unk_token_id})


def _loaded(folder: Path, device: str | None) -> tuple[Any, Any]:
    import torch
    import transformers

    from imagegen_kit.retrieval.embedders.torch_towers import quiet

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        with quiet() as said:
            processor: Any = transformers.AutoProcessor.from_pretrained(folder, local_files_only=True)
            model: Any = transformers.AutoModelForImageTextToText.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, dtype="auto"
            )
            model = model.eval().to(device)
    except MemoryError:
        raise
    except Exception as error:  # of torch, transformers, safetensors or the file system: no common base
        what = f"{folder.name} cannot be loaded: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise InvalidInput([Fault("preference model", what, "Fetch the whole model again.")]) from error
    if any("MISSING" in text for text in said):
        what = f"the weights in {folder.name} lack parts of the model, which would be random numbers."
        raise InvalidInput([Fault("preference model", what, "Fetch the whole model again.")])
    return processor, model
