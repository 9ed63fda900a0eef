"""Mean field theory: what a wide random network should do, for any activation, by quadrature.

Weights N(0, sigma_w^2 / fan_in), biases N(0, sigma_b^2), x ~ N(0, 1) (Poole et al. 2016; Schoenholz et al. 2017):

    V(q) = E[g(sqrt(q) x)^2],  D(q) = E[g'(sqrt(q) x)^2]
    length map       q' = sigma_w^2 V(q) + sigma_b^2
    gradients        chi(q) = sigma_w^2 D(q): E[delta_l^2] = chi E[delta_{l+1}^2] for equal widths
    correlation map  c' = (sigma_w^2 E[g(u1) g(u2)] + sigma_b^2) / q'

Read in this order:

quadrature   expectations over a Gaussian variable
maps         length map, correlation map and their fixed points
moments      the same expectations for many q at once
flat         the shares of saturated and of dead units
edge         the edge of chaos, where chi = 1
ensemble     what theory needs to know about networks and their data
signals      infinite width: signals forward and gradients back, layer by layer
kernel       the tangent kernel: gradients of weights, and how fast a network learns
finite_width what a typical network has less or more, to first order in 1 / width
profile      what a network of given widths should measure in each layer
plane        fixed points and trainable depth on the plane of (sigma_w, sigma_b)
summary      an activation with the common initializers

q = E[z^2] is called the length in the literature. An axis P + 1 has P groups of equally many pairs of different inputs
with similar cosine (`foresight.ensembles` makes them), then a sample with itself.

docs/theory.md derives what signals and finite_width compute, numbers its equations and lists the symbols.
"""

from mlpstudy.theory.edge import Edge, NoCriticalPoint, critical, edge_of_chaos
from mlpstudy.theory.ensemble import Ensemble
from mlpstudy.theory.flat import flat_share
from mlpstudy.theory.maps import chi, fixed_correlation, fixed_length, fixed_point, length_map, length_slope
from mlpstudy.theory.moments import moments
from mlpstudy.theory.plane import Plane, plane
from mlpstudy.theory.profile import Profile, profile
from mlpstudy.theory.quadrature import covariance, expectation, gain, second_moment, slope_moment
from mlpstudy.theory.summary import outlooks

__all__ = [
    "Edge", "Ensemble", "NoCriticalPoint", "Plane", "Profile", "chi", "covariance", "critical", "edge_of_chaos",
    "expectation", "fixed_correlation", "fixed_length", "fixed_point", "flat_share", "gain", "length_map",
    "length_slope", "moments", "outlooks", "plane", "profile", "second_moment", "slope_moment",
]  # fmt: skip
