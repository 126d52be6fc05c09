"""Manual pages of what is found while a document is read: files, YAML, schemas, units."""

from tocsin.codes.page import page

DOCUMENTS: dict[str, str] = {
    "file/encoding": page(
        "Definitions are UTF-8.",
        "Another encoding makes other characters of the same bytes, and every tool that reads the file would "
        "see something else.",
        "a file saved as Latin-1",
        "the same file saved as UTF-8",
    ),
    "file/size": page(
        "A file of definitions has at most 4 MB.",
        "A larger one is a mistake: data that got in among the definitions, or output of a tool. Reading it "
        "would only take memory.",
        "a database dump that ends in .yaml, below the folder that is checked",
        "one file for each service",
    ),
    "file/unreadable": page(
        "Every file that is named or found can be read.",
        "What cannot be read might define anything, so nothing can be said about the rest.",
        "a file without read permission, or a link to nothing",
        "permission to read it, or the file moved away",
    ),
    "yaml/alias": page(
        "Aliases are not part of the language.",
        "A value that stands elsewhere cannot be understood, changed or pointed at where it is used, and "
        "nested aliases make gigabytes out of a line.",
        "`window: *month`",
        "`window: 30d`",
    ),
    "yaml/anchor": page(
        "Anchors are not part of the language.",
        "They are there for aliases, which are not part of it either.",
        "`window: &month 30d`",
        "`window: 30d`",
    ),
    "yaml/tag": page(
        "Tags are not part of the language.",
        "A tag makes another type out of a text. Quotes do that for texts, and no other type is needed.",
        "`name: !!str 5`",
        '`name: "5"`',
    ),
    "yaml/merge-key": page(
        "Merge keys are not part of the language.",
        "What a mapping holds should be seen where it stands, and YAML 1.2 does not know them.",
        "`<<: *defaults`",
        "the keys themselves",
    ),
    "yaml/ambiguous": page(
        "A text that other YAML tools read as another type stands in quotes.",
        "YAML 1.1 reads `on`, `no`, `0x10` and `1_000` as booleans and numbers, YAML 1.2 reads texts. Tocsin "
        "reads the text.",
        "`team: no`",
        '`team: "no"`',
    ),
    "yaml/character": page(
        "A file holds no characters that YAML forbids.",
        "Control characters, other kinds of line breaks and invisible marks look like nothing and mean something.",
        "a no-break space copied from a web page, or U+FEFF within a line",
        "the character removed, or an escape in double quotes",
    ),
    "yaml/depth": page(
        "Values are at most 50 levels deep.",
        "No definition needs so many; more of them are a mistake or an attack on the reader.",
        "`[[[[[[…`",
        "a list of values",
    ),
    "yaml/duplicate-key": page(
        "A mapping has each key once.",
        "Most YAML tools take the last one silently, so one of the two would be lost.",
        "`for: 5m` and further down `for: 10m` in one alert",
        "one of them",
    ),
    "yaml/key": page(
        "A key is a text.",
        "Numbers, lists and nothing at all cannot name anything here, and YAML tools do not agree about them.",
        "`5: fast`",
        '`"5": fast`',
    ),
    "yaml/limit": page(
        "A file has a size that somebody can read.",
        "After a hundred mistakes or a million values the rest of a file would make only noise.",
        "a file with one wrong indentation above thousands of lines",
        "the first mistakes mended, then the next run",
    ),
    "yaml/scalar": page(
        "A number fits.",
        "JSON knows neither infinity nor NaN; a number with more digits than 64 bits hold would silently "
        "become another one.",
        "`above: .inf`",
        "`above: 1000000`",
    ),
    "yaml/syntax": page(
        "A file is YAML.",
        "Reading stops at the mistake and goes on at the next `---`, so everything between is not checked.",
        "`summary: queue: too long`",
        '`summary: "queue: too long"`',
    ),
    "schema/api-version": page(
        "The version of the language is `tocsin/v1`.",
        "There is one so far; a document of a later one would not be understood here.",
        "`apiVersion: v1`",
        "`apiVersion: tocsin/v1`",
    ),
    "schema/kind": page(
        "A document is of a kind that exists.",
        "The kind says which keys there may be.",
        "`kind: Servcie`",
        "`kind: Service`",
    ),
    "schema/missing-key": page(
        "The keys that a definition needs are there.",
        "Without them nothing can be made of it.",
        "an SLO without `target`",
        "`uptime: {sli: availability, target: 99.9%}`",
    ),
    "schema/unknown-key": page(
        "There are only keys that mean something.",
        "A misspelt key would otherwise be ignored, and the default taken for it.",
        "`targt: 99.9%`",
        "`target: 99.9%`",
    ),
    "schema/choice": page(
        "Of keys that exclude each other there is one.",
        "Two of them contradict each other; none leaves open what is meant.",
        "`probe: {…}` and `ratio: {…}` in one SLI",
        "two SLIs",
    ),
    "schema/type": page(
        "A value has the type that its key needs.",
        "A list where a text is expected, or a text where a mapping is, has no meaning.",
        "`notify: email`",
        "`notify: [email]`",
    ),
    "schema/value": page(
        "A value is one that its key allows.",
        "The message says what is expected there; `docs/reference` has all keys.",
        "`for: 5 minutes`",
        "`for: 5m`",
    ),
    "units/duration": page(
        "A duration is a number and a unit, longer than nothing where it has to be.",
        "Prometheus' spelling is used everywhere: ms, s, m, h, d, w, y, in descending parts.",
        "`window: 0d`",
        "`window: 30d`",
    ),
    "units/quantity": page(
        "A threshold is a number, a percentage, a duration or a size.",
        "It is compared as an exact number, so its unit has to be known, and Prometheus has to be able to hold it.",
        "`above: 5 % or so`",
        "`above: 5%`",
    ),
    "units/rate": page(
        "A rate is so many in a time, for at most an hour.",
        "A channel is never sent more than that in any stretch of that length.",
        "`rate: 20 per minute`",
        "`rate: 20/m`",
    ),
    "units/ratio": page(
        "A ratio is a percentage or a fraction.",
        "Without the sign nobody can tell 99.9 % from 9990 %.",
        "`target: 99.9`",
        "`target: 99.9%`",
    ),
}
"""By code."""
