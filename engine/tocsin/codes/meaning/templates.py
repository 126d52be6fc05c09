"""Manual pages of templates of SLIs."""

from tocsin.codes.page import page

PAGES: dict[str, str] = {
    "template/parameter": page(
        "A use of a template gives its parameters, and no others.",
        "Without a value and without a default a text would have a hole; a value that no text takes is a typing error.",
        "`{template: http-availability, with: {jbo: shop}}`",
        "`{template: http-availability, with: {job: shop}}`",
    ),
    "template/undeclared": page(
        "What a template leaves open is one of its parameters.",
        "`${name}` stands for a value that each use gives, so it has to be declared below `parameters`.",
        "`${jbo}` in a template with the parameter `job`",
        "`${job}`",
    ),
    "template/unused": page(
        "Every parameter of a template stands somewhere in its SLI.",
        "A value that changes nothing misleads whoever gives it.",
        "a parameter `route` and no `${route}`",
        "`${route}` where its value belongs, or no such parameter",
    ),
    "template/value": page(
        "A value stays a value.",
        "Inside quotes of PromQL any value is escaped. Elsewhere it has to be a name, a number or a duration, so that "
        "it cannot close a bracket or begin an operator.",
        "`{window: '5m]) or vector(1'}`",
        "`{window: 5m}`",
    ),
}
"""By code."""
