# Integrates x'' = -x for 20 seconds and writes its cost to $FSOPT_RESULT: the error of the energy,
# and a price for each step. Variables: step, method (explicit or symplectic), order (1 or 2).
BEGIN {
    x = 1; v = 0
    for (t = 0; t < 20; t += step) {
        if (method == "explicit") { next_x = x + step * v; v -= step * x; x = next_x }
        else if (order == 2) { v -= step / 2 * x; x += step * v; v -= step / 2 * x }
        else { v -= step * x; x += step * v }
    }
    error = x * x + v * v - 1
    if (error < 0) error = -error
    printf "{\"cost\": %.10g}\n", error + 0.002 / step > ENVIRON["FSOPT_RESULT"]
}
