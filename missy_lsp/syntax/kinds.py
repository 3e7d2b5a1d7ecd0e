"""What the nodes of the grammars are: definitions, what is around them, and where their name stands. Data."""

from __future__ import annotations

import re

import attrs


@attrs.frozen
class NodeKinds:
    """The node types of a grammar that matter here.

    `definitions` always are one; `bodied` only with a body (a mention of `struct s` is none); `values` only where
    something around names them; `tall` only where they take several lines. `wrappers` stand around one and belong to
    it. `leading` are siblings above one that belong to it. `anonymous` are blocks of code without a name, used where
    nothing with a name is around.
    """

    definitions: frozenset[str]
    bodied: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()
    tall: frozenset[str] = frozenset()
    wrappers: frozenset[str] = frozenset()
    leading: frozenset[str] = frozenset()
    anonymous: frozenset[str] = frozenset()
    is_indented: bool = False


def _kinds(
    definitions: str,
    *,
    bodied: str = "",
    values: str = "",
    tall: str = "",
    wrappers: str = "",
    leading: str = "",
    anonymous: str = "",
    is_indented: bool = False,
) -> NodeKinds:
    return NodeKinds(
        frozenset(definitions.split()),
        frozenset(bodied.split()),
        frozenset(values.split()),
        frozenset(tall.split()),
        frozenset(wrappers.split()),
        frozenset(leading.split()),
        frozenset(anonymous.split()),
        is_indented,
    )


_JAVASCRIPT = _kinds(
    "function_declaration generator_function_declaration class_declaration abstract_class_declaration "
    "method_definition interface_declaration enum_declaration type_alias_declaration function_signature "
    "method_signature abstract_method_signature",
    values="arrow_function function_expression generator_function class",
    tall="pair",
    wrappers="export_statement lexical_declaration variable_declaration variable_declarator ambient_declaration "
    "field_definition public_field_definition assignment_expression expression_statement pair as_expression "
    "satisfies_expression parenthesized_expression",
    leading="decorator",
    anonymous="arrow_function function_expression generator_function class",
)
_C = _kinds(
    "function_definition preproc_function_def",
    bodied="struct_specifier union_specifier enum_specifier",
    wrappers="type_definition declaration linkage_specification attributed_statement",
)
_BY_GRAMMAR = {
    "python": _kinds("function_definition class_definition", wrappers="decorated_definition", is_indented=True),
    "javascript": _JAVASCRIPT,
    "typescript": _JAVASCRIPT,
    "rust": _kinds(
        "function_item struct_item enum_item union_item trait_item impl_item macro_definition "
        "function_signature_item type_item",
        leading="attribute_item",
    ),
    "go": _kinds(
        "function_declaration method_declaration type_declaration type_spec type_alias",
        values="func_literal",
        wrappers="var_declaration var_spec short_var_declaration assignment_statement expression_list "
        "expression_statement",
        anonymous="func_literal",
    ),
    "java": _kinds(
        "class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration "
        "method_declaration constructor_declaration compact_constructor_declaration",
    ),
    "c": _C,
    "cpp": attrs.evolve(
        _C,
        definitions=_C.definitions | {"concept_definition", "alias_declaration"},
        bodied=_C.bodied | {"class_specifier"},
        values=frozenset({"lambda_expression"}),
        wrappers=_C.wrappers
        | {"template_declaration", "field_declaration", "friend_declaration", "init_declarator", "export_declaration"},
        anonymous=frozenset({"lambda_expression"}),
    ),
    "c_sharp": _kinds(
        "class_declaration struct_declaration interface_declaration enum_declaration record_declaration "
        "record_struct_declaration delegate_declaration method_declaration constructor_declaration "
        "destructor_declaration operator_declaration conversion_operator_declaration local_function_statement",
        tall="property_declaration indexer_declaration event_declaration",
        anonymous="lambda_expression anonymous_method_expression",
    ),
    "ruby": _kinds(
        "method singleton_method class singleton_class module",
        values="lambda",
        wrappers="assignment",
        anonymous="do_block",
    ),
    "php": _kinds(
        "function_definition method_declaration class_declaration interface_declaration trait_declaration "
        "enum_declaration",
        values="anonymous_function arrow_function",
        tall="property_hook",
        wrappers="assignment_expression expression_statement",
        anonymous="anonymous_function arrow_function",
    ),
    "bash": _kinds("function_definition"),
    "lua": _kinds(
        "function_declaration",
        values="function_definition",
        wrappers="variable_declaration assignment_statement expression_list field",
        anonymous="function_definition",
    ),
}
# For a grammar that the user has added: the names that most grammars use.
_LIKELY = re.compile(
    r"(?:\w+_)?(?:function|method|constructor|class|struct|enum|interface|trait|impl|object|record|protocol|extension"
    r"|macro|subroutine|procedure)(?:_(?:definition|declaration|item|statement|def|decl))|decorated_definition"
)

# Nodes that are only a sequence: the first statement in one begins where it begins.
SEQUENCES = frozenset(
    {
        "block",
        "body_statement",
        "statement_list",
        "declaration_list",
        "then",
        "do",
        "else",
        "class_body",
        "field_declaration_list",
        "compound_statement",
        "do_block",
        "begin_block",
        "statements",
        "source_file",
        "program",
        "module",
        "chunk",
    }
)
_STATEMENT = re.compile(r"(?:\w+_)?(?:statement|declaration|assignment|call)$")


def kinds_of(grammar: str) -> NodeKinds | None:
    """Return what is known of a grammar's nodes; None for one that the user has added."""
    return _BY_GRAMMAR.get(grammar)


def is_likely_definition(node_type: str) -> bool:
    return _LIKELY.fullmatch(node_type) is not None


def is_statement(node_type: str) -> bool:
    return _STATEMENT.match(node_type) is not None
