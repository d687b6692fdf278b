/** A few values that take time to make, each kept until its stamp changes or others have been asked for since. */
export class Kept<T> {
  private readonly values = new Map<string, { stamp: string; value: Promise<T> }>();

  constructor(private readonly capacity: number) {}

  /**
   * The value of `key`, made anew when `stamp` is not the one it was made under.
   *
   * @param stamp of everything the value depends on
   */
  get(key: string, stamp: string, make: () => Promise<T>): Promise<T> {
    const known = this.values.get(key);
    const value = known?.stamp === stamp ? known.value : make();
    // Written again, it is the last one of the map: the first is the one not asked for the longest.
    this.values.delete(key);
    this.values.set(key, { stamp, value });
    value.catch(() => {
      if (this.values.get(key)?.value === value) this.values.delete(key);
    });
    for (const oldest of [...this.values.keys()].slice(0, -this.capacity)) this.values.delete(oldest);
    return value;
  }
}
