"""The models of buying: likelihoods with their derivatives, and what each expects of a customer. One file each."""

from metrics.clv.models.bgbb import BGBB
from metrics.clv.models.bgnbd import BGNBD
from metrics.clv.models.family import Family
from metrics.clv.models.nbd import NBD
from metrics.clv.models.pareto_nbd import ParetoNBD

FAMILIES: dict[str, Family] = {
    "bgnbd": BGNBD(name="bgnbd", first=0),
    "mbgnbd": BGNBD(name="mbgnbd", first=1),
    "pareto_nbd": ParetoNBD(),
    "nbd": NBD(),
    "bgbb": BGBB(),
}

__all__ = ["FAMILIES", "Family"]
