/* Multiplies two N x N matrices in tiles, checks the product, and prints the seconds it took.
 * The compiler gets TILE_I, TILE_J and TILE_K by -D. */
#include <stdio.h>
#include <time.h>

#define N 480

static double a[N][N], b[N][N], c[N][N];

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + 1e-9 * now.tv_nsec;
}

static int least(int x, int y) { return x < y ? x : y; }

static void multiply(void) {
    for (int i0 = 0; i0 < N; i0 += TILE_I)
        for (int k0 = 0; k0 < N; k0 += TILE_K)
            for (int j0 = 0; j0 < N; j0 += TILE_J)
                for (int i = i0; i < least(i0 + TILE_I, N); i++)
                    for (int k = k0; k < least(k0 + TILE_K, N); k++)
                        for (int j = j0; j < least(j0 + TILE_J, N); j++)
                            c[i][j] += a[i][k] * b[k][j];
}

int main(void) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = i + 1;
            b[i][j] = j + 1;
        }
    double start = seconds();
    multiply();
    double taken = seconds() - start;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double wanted = (double)N * (i + 1) * (j + 1);
            if (c[i][j] < 0.999999 * wanted || c[i][j] > 1.000001 * wanted) return 1;
        }
    printf("%.9f\n", taken);
    return 0;
}
