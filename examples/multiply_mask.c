/* multiply_mask.c - tf.multiply(a, tf.cast(m, tf.int32)): a mask as 0 and 1. Prints [[1 0] [0 4] [5 6]]. */
#include <winnow/winnow.h>

#include <stdio.h>

int main(void) {
    int32_t data[3][2] = {{1, 2}, {3, 4}, {5, 6}}, result[3][2] = {{0}};
    bool mask[3][2] = {{true, false}, {false, true}, {true, true}};

    wn_context *ctx = wn_context_new(NULL);
    wn_graph *g = wn_graph_new(ctx);
    wn_node a = wn_input(g, "a", WN_I32, WN_ANY, 2);
    wn_node m = wn_input(g, "m", WN_BOOL, WN_ANY, 2);
    wn_output(g, "z", wn_multiply(a, wn_cast(m, WN_I32)));

    wn_kernel *kernel = wn_compile(g, NULL);
    if (!kernel) return fprintf(stderr, "%s\n", wn_graph_error(g)), 1;

    const int64_t shape[] = {3, 2};
    wn_array in[] = {wn_array_of(WN_I32, data, 2, shape), wn_array_of(WN_BOOL, mask, 2, shape)};
    wn_array out = wn_array_of(WN_I32, result, 2, shape);
    wn_error error;
    if (wn_call(kernel, in, 2, &out, 1, &error) != WN_OK)
        return fprintf(stderr, "%s\n", error.message), 1;

    for (int i = 0; i < 3; i++)
        printf("%s[%d %d]", i ? " " : "[", (int)result[i][0], (int)result[i][1]);
    puts("]");

    wn_kernel_free(kernel);
    wn_graph_free(g);
    wn_context_free(ctx);
}
