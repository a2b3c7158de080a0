"""What people, and models, say of a run's pictures: the methods of ``Run`` that ask them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from imagegen_kit.errors import InvalidInput, unknown_name_fault
from imagegen_kit.lazy import upward

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd

    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.experiments.judging.judgement import Judgement
    from imagegen_kit.experiments.run import Run


class Judged:
    """The part of ``Run`` that asks people, or a model in their place."""

    def vote(
        self,
        by: str | None = None,
        rater: str | None = None,
        *,
        pairs: int | None = None,
        repeats: float = 0.1,
        **unknown: Any,
    ) -> Any:
        """Return a panel to vote in, blindly: pairs of pictures that differ in ``by`` alone, names hidden until reveal.

        ``by`` None is the model where it varies, else the only varied parameter besides the prompt.
        ``rater`` is who votes ("me" where none is named): each has an order of his own and goes on where he stopped, in
        any session. ``pairs`` is the most to be shown (None: all), balanced over values and prompts whenever one stops;
        ``repeats`` the share that comes again, mirrored. Only pictures of the model that was asked are paired. Raises
        InvalidInput where there is nothing to compare. Votes on an opened bundle stay with it in this session's store.
        """
        known = ("by", "rater", "pairs", "repeats")
        if unknown:
            raise InvalidInput([unknown_name_fault("argument of vote", n, known, where="vote") for n in unknown])
        return upward("vote")(cast("Run", self), by, rater, pairs=pairs, repeats=repeats)

    def import_votes(self, path: str | Path | Iterable[str | Path]) -> pd.DataFrame:
        """Read the file, or files, that voting pages (``vote.to_html``) or ``export_votes`` saved, and tell what came.

        How many votes were added, were there already, or were refused, and why. The same file twice adds nothing.
        Raises InvalidInput, before anything is added, for files that are of another run or were changed.
        """
        from imagegen_kit.experiments.vote_files import import_votes

        return import_votes(cast("Run", self), path)

    def export_votes(self, path: str | Path) -> Path:
        """Write the votes that stand into a ``.csv``, a line each, and return its path; ``import_votes`` reads it.

        With the run's id, cells, steps and hashes of both pictures, who voted, what was chosen, and which values they
        had: who reads it knows whose picture was whose. An earlier file of votes is replaced, missing folders are made.
        Raises InvalidInput where there are no votes, and for a file that is there and holds none; StoreError where it
        cannot be written.
        """
        from imagegen_kit.experiments.vote_tables import export_votes

        return export_votes(cast("Run", self), path)

    def judge(
        self,
        model: str,
        by: str | None = None,
        *,
        rubric: Any = None,
        pairs: int | None = None,
        policy: Policy | None = None,
        budget_usd: float | None = None,
        allow_same_vendor: bool = False,
        controls: int | None = None,
        fresh: bool = False,
        progress: bool = True,
    ) -> Judgement:
        """Let a model that reads pictures judge the pairs that differ in ``by`` alone, and return what came of it.

        Each pair is asked about in both orders; two answers that differ are a tie. ``rubric`` is what to go by: a text,
        a mapping of criteria, or a YAML file (None: the order, defects, looks). ``pairs`` is the most of them, those
        first that people have voted on; ``controls`` how many pairs of known answer are mixed in (None: one in five, 6
        to 24). It is an experiment of its own, named after this run: what was asked is not bought again, ``budget_usd``
        and Stop hold, the same call goes on. Verdicts become votes of the rater ``judge:<model>`` and the column
        ``score_judge``. Raises InvalidInput with all faults before anything is sent, also for a judge of a contestant's
        own vendor unless ``allow_same_vendor``.
        """
        from imagegen_kit.experiments.judging.chosen import choose
        from imagegen_kit.experiments.judging.judge import judge_run
        from imagegen_kit.experiments.statistics import need_extra

        need_extra()  # before it costs
        run = cast("Run", self)
        chosen = choose(
            run, model, by, rubric=rubric, pairs=pairs, policy=policy, controls=controls,
            allow_same_vendor=allow_same_vendor,
        )  # fmt: skip
        return judge_run(run, chosen, policy, budget_usd, fresh=fresh, progress=progress)
