"""What the service takes and gives: orders, pictures, answers and refusals, as its OpenAPI describes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from imagegen_kit.engine.ask import MAX_PROMPT_CHARS, MAX_SEED

Words = Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARS)]
State = Literal["running", "done", "failed", "stopped"]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def whole(value: Any) -> Any:
    """Return a whole number for one that is written as a fraction, anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


LAX = BeforeValidator(whole)  # to JSON 4.0 is a whole number as well


class Order(BaseModel):
    """What all recipes take. ``library`` names a set of references: "shipped", or one that the service was given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: Name | None = Field(None, description="provider/name; the service's own where it is left out")
    library: Name | None = Field(None, description="references to retrieve from")
    top_k: Annotated[int, Field(ge=0, le=100), LAX] | None = Field(
        None, description="how many of them; 3 where one is named"
    )
    size: Name | None = Field(None, description="1024x1024, 16:9 or 2K")
    quality: Name | None = None
    negative_prompt: Annotated[str, Field(max_length=MAX_PROMPT_CHARS)] | None = None
    seed: Annotated[int, Field(ge=0, le=MAX_SEED), LAX] | None = None

    def params(self) -> dict[str, Any]:
        """Return the recipe's parameters: what was said of them."""
        return self.model_dump(exclude={"recipe"}, exclude_none=True)


class SketchOrder(Order):
    """Three to six concept sketches of a brief."""

    recipe: Literal["concept_sketches"] = "concept_sketches"
    brief: Words
    style: Name | None = Field(None, description="vintage-mascot where it is left out")
    n: Annotated[int, Field(ge=3, le=6), LAX] = 4
    axes: list[Name] | dict[Name, list[Name]] | None = Field(None, description="names of axes, or phrases of one's own")
    auto_fix: bool = False


class ImageOrder(Order):
    """Pictures of one prompt."""

    recipe: Literal["image"]
    prompt: Words
    style: Name | None = None
    n: Annotated[int, Field(ge=1, le=10), LAX] = 1


class Made(BaseModel):
    """One picture, or why there is none. ``path`` is where the service hands its bytes out; costs are in USD."""

    index: int
    path: str | None
    error: str | None
    status: str
    variant: str | None = None
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    model: str | None = None
    seconds: float | None = None
    cost_usd: float | None = None
    mended_of: str | None = Field(None, description="hash of the picture that this one was mended from")
    failed_rules: list[str] | None = Field(None, description="rules of a sketch that it does not keep")


class Answer(BaseModel):
    """A run: its pictures in order, failures among them. ``state``: running, done, failed, or stopped half-way."""

    run_id: str
    recipe: str
    created_at: str
    state: State
    cost_usd: float | None = Field(description="spent so far; null where a part of it is not known")
    error: str | None = None
    pictures: list[Made]


class Choices(BaseModel):
    """What an order may name."""

    styles: list[str]
    models: list[str]
    libraries: list[str]


class FaultTold(BaseModel):
    """One thing that is wrong: where, what, and what to do."""

    where: str
    what: str
    hint: str = ""


class Refused(BaseModel):
    """Why nothing was done."""

    detail: list[FaultTold]
