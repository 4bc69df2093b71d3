// URI templates of resources (RFC 6570, levels 1 and 2 as far as they can be matched: `{name}` and `{+name}`).
//
// Only matching, not expansion: a client expands, the server has to recognize. `{name}` stands for one or more characters
// without `/ ? #`, percent-decoded; `{+name}` for any, as they are.
// A URI is matched before anybody is asked whether its sender may read it, so it must take time that grows with its length
// and no faster. It does: where a `{name}` ends is certain, because what follows it up to the next variable has one of
// `/ ? #` in it, which it cannot have itself; so only the end of the one `{+name}` there may be is tried at each place, and
// what comes after it is then looked at once.

/** Variables of a template, in order, and how to get them out of a URI. */
export interface UriTemplate {
  readonly variables: readonly string[];
  /** The values, or `undefined` when the URI is not one of the template's. */
  match(uri: string): Readonly<Record<string, string>> | undefined;
}

/** @throws {Error} for an expression other than `{name}` or `{+name}`, a name used twice, or variables that cannot be told apart */
export function parseUriTemplate(template: string): UriTemplate {
  // Where one ends and the next begins would be found by trying, in time that grows with a power of the length.
  if (/\}[^/?#{]*\{/.test(template))
    throw new Error(`URI template ${template}: two variables in one segment`);
  const variables: string[] = [];
  const isReserved: boolean[] = [];
  const pattern = template
    .split(/(\{[^}]*\})/)
    .map((part) => {
      if (!/^\{.*\}$/.test(part)) {
        if (/[{}]/.test(part)) throw new Error(`URI template ${template}: a brace without its other half`);
        return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      }
      const [, plus, name = ''] = /^\{(\+?)(\w+)\}$/.exec(part) ?? [];
      if (name === '' || variables.includes(name))
        throw new Error(`URI template ${template}: ${part} is not supported or used twice`);
      variables.push(name);
      isReserved.push(plus === '+');
      return plus === '+' ? '(\\S+)' : '([^\\s/?#]+)';
    })
    .join('');
  // Where one ends and the next begins would be a guess, and finding it out takes a power of the length for each.
  if (isReserved.filter(Boolean).length > 1)
    throw new Error(
      `URI template ${template}: more than one {+name}; write {name} for what is one segment, and {+name} once at most`,
    );
  const expression = new RegExp(`^${pattern}$`);

  return {
    variables,
    match(uri) {
      const found = expression.exec(uri);
      if (!found) return undefined;
      try {
        return Object.fromEntries(
          variables.map((name, index) => {
            const value = found[index + 1] ?? '';
            return [name, isReserved[index] ? value : decodeURIComponent(value)];
          }),
        );
      } catch {
        return undefined;
      }
    },
  };
}
