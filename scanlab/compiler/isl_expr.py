"""isl's functions back to expressions of ours, by way of the expressions that isl generates for loop nests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from types import MappingProxyType

import islpy as isl

from scanlab.compiler.isl_limit import NotAffine
from scanlab.ir.expr import LARGEST_VALUE, Binary, Compare, Digit, Expr, Extremum, Int, Logic, Negate, Select

__all__ = ["expression_of", "expression_of_ast"]

_OP = isl.ast_expr_op_type


def expression_of(function: isl.PwAff, variables: tuple[str, ...], domain: isl.Set) -> Expr:
    """A piecewise quasi-affine function as an expression over Digits named ``variables``.

    ``domain`` is where it will be used; what always holds there is not tested again. Raises NotAffine where isl's form
    is none of ours.
    """
    context = function.get_ctx()
    names = isl.MultiId.from_id_list(domain.get_space(), _ids(context, variables))
    build = isl.AstBuild.from_context(domain.bind(names))
    return expression_of_ast(build.expr_from_pw_aff(function.coalesce().gist(domain).bind_domain(names)))


def _ids(context: isl.Context, variables: tuple[str, ...]) -> isl.IdList:
    ids = isl.IdList.alloc(context, len(variables))
    for name in variables:
        ids = ids.add(isl.Id(name, None, context))
    return ids


_BINARY: Mapping[object, str] = MappingProxyType(
    {
        _OP.add: "+",
        _OP.sub: "-",
        _OP.mul: "*",
        _OP.div: "//",
        _OP.fdiv_q: "//",
        _OP.pdiv_q: "//",
        _OP.pdiv_r: "%",
        _OP.zdiv_r: "%",
    }
)
_COMPARE: Mapping[object, str] = MappingProxyType({_OP.eq: "==", _OP.le: "<=", _OP.lt: "<", _OP.ge: ">=", _OP.gt: ">"})
# islpy's stubs leave these two out, whose names are words of Python.
_LOGIC: Mapping[object, str] = MappingProxyType(
    {getattr(_OP, f"{word}_"): word for word in ("and", "or")} | {_OP.and_then: "and", _OP.or_else: "or"}
)


def expression_of_ast(node: isl.AstExpr) -> Expr:
    """An expression of isl's generated code; its variables become Digits."""
    kind = node.get_type()
    if kind == isl.ast_expr_type.int:
        value = node.get_val()
        if not value.abs().lt(isl.Val.read_from_str(value.get_ctx(), str(LARGEST_VALUE))):
            raise NotAffine("isl's form of it holds numbers past 64 bits")
        return Int(int(value.to_python()))
    if kind == isl.ast_expr_type.id:
        return Digit(node.get_id().get_name())
    operation = node.get_op_type()
    operands = [expression_of_ast(node.get_op_arg(i)) for i in range(node.get_op_n_arg())]
    if operation in _BINARY:
        return Binary(_BINARY[operation], *operands)
    if operation in _COMPARE:
        return Compare(_COMPARE[operation], *operands)
    if operation in _LOGIC:
        word = _LOGIC[operation]
        return reduce(lambda a, b: Logic(word, a, b), operands)
    if operation == _OP.minus:
        return Negate(operands[0])
    if operation in (_OP.min, _OP.max):
        return Extremum("min" if operation == _OP.min else "max", tuple(operands))
    if operation in (_OP.cond, _OP.select):
        return Select(*operands)
    raise NotAffine(f"isl wrote an operation that has no counterpart: {node.to_C_str()}")
