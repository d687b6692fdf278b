/** How many times fewer FLOPs than the parent's, from mild to severe. */
export const LIMITS = [1.25, 1.5, 2, 2.5, 3, 4];
