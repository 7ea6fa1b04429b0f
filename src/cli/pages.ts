/** Rows asked for at a time. */
export const PAGE = 1000;

/** All rows of a list, page by page; at most so many. */
export async function pages<Row>(
  ask: (token: string) => Promise<[rows: Row[], next: string]>,
  most = Infinity,
): Promise<Row[]> {
  const all: Row[] = [];
  let token = "";
  do {
    const [rows, next] = await ask(token);
    all.push(...rows);
    token = next;
  } while (token !== "" && all.length < most);
  return all.slice(0, most);
}
