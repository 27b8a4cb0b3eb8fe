// The operands of a literal formula and their ranks, found by the type checker: one scan over the text from left to
// right, a token a step, so that its cost grows with the length of the formula and with nothing else.
// It accepts more than the parser does; a formula that cannot be parsed says so when it is built.

/**
 * Names and ranks of the tensors and constants a formula reads, without those it defines:
 * `OperandRanks<'z[b,i] = c[i] + sum(j) W[i,j] * x[b,s*j]'>` is `{ c: 1; W: 2; x: 2; s: 0 }`.
 * Rank 0 may also be given as a number. For a `string` that is no literal it is `Record<string, number>`.
 */
export type OperandRanks<Text extends string> = FormulaTypes<Text>['operands']

/** The number of axes of a formula's result; `number` for a `string` that is no literal. */
export type ResultRank<Text extends string> = FormulaTypes<Text>['rank']

/** OperandRanks and ResultRank of a formula at once. */
export type FormulaTypes<Text extends string> = string extends Text ? Unknown : Statements<Text>

interface Unknown {
  operands: Record<string, number>
  rank: number
}

type Blank = ' ' | '\t' | '\r'
type Operator = '+' | '-' | '*' | '/' | '%' | '^' | '<' | '>' | '=' | '!' | '?'
type Break = Blank | '\n' | ';' | '#' | ',' | '(' | ')' | '[' | ']' | Operator
type NumberStart = '.' | '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9'
type NumberName = 'inf' | 'pi' | 'nan'
type WordOperator = 'and' | 'or' | 'not'
type Reduction = 'sum' | 'mean' | 'prod' | 'argmax' | 'argmin' | 'any' | 'all'

/**
 * An open bracket: of a `read`, of the `axes` of a statement, of the `ranges` of a reduction, of an `either`, which is
 * the function or the reduction max or min (`bounded` once it held a `<`), or any `other`; `top` is outside of all.
 * `Names` is the tensor read, or the names in an `either` that are indices if it turns out to be a reduction.
 * `Items` counts what stands between the commas.
 */
interface Bracket<Kind, Names, Items, Below> {
  kind: Kind
  names: Names
  items: Items
  below: Below
}
type Top = Bracket<'top', never, [], never>
type RangeList = Bracket<'axes' | 'ranges' | 'either' | 'bounded', unknown, unknown, unknown>

/** What is left of a formula after one of its statements, and what was found so far. */
interface State<Text, Found, Rank> {
  text: Text
  found: Found
  rank: Rank
}

/** Scans statement after statement: the checker allows a recursion of 1,000 steps, so each one is a recursion of its own. */
type Statements<Text extends string, Found = never, Rank = 0> = Text extends ''
  ? Result<Found, Rank>
  : Scan<Text, 'start', Top, Found, Rank> extends State<infer After extends string, infer More, infer Last>
    ? Statements<After, More, Last>
    : Unknown

/**
 * `Before` says what stands before `Text`: `start` of a statement, `open` for a bracket or a comma, `<=`, `operator`,
 * or `value` for the end of a name, a number or a bracket. `At` is the innermost open bracket. `Found` holds, as pairs
 * and triples, every `tensor` with its rank, every `bare` name, every `index` that runs, and every `local` that is
 * defined. `Rank` is the rank of the last statement.
 */
type Scan<Text extends string, Before, At, Found, Rank> = Text extends `${infer First}${infer Rest}`
  ? First extends Blank | '['
    ? Scan<Rest, First extends '[' ? 'open' : Before, At, Found, Rank>
    : First extends Break
      ? First extends ','
        ? At extends Bracket<infer Kind, infer Names, infer Items extends 1[], infer Below>
          ? Scan<Rest, 'open', Bracket<Kind, Names, [...Items, 1], Below>, Found, Rank>
          : never
        : First extends '('
          ? Scan<Rest, 'open', Bracket<'other', never, [1], At>, Found, Rank>
          : First extends ')' | ']'
            ? At extends Bracket<infer Kind, infer Names, infer Items extends 1[], infer Below>
              ? Kind extends 'read'
                ? Scan<Rest, 'value', Below, Found | ['tensor', Names, Items['length']], Rank>
                : Kind extends 'axes'
                  ? Scan<Rest, 'value', Below, Found, Items['length']>
                  : Kind extends 'either' | 'bounded'
                    ? Scan<Rest, 'value', Below, Found | [IsReduced<Rest, Kind, Items['length']>, Names], Rank>
                    : Kind extends 'top'
                      ? never
                      : Scan<Rest, 'value', Below, Found, Rank>
              : never
            : First extends '\n'
              ? [At, Before] extends [Top, 'value']
                ? State<Rest, Found, Rank>
                : Scan<Rest, Before, At, Found, Rank>
              : First extends ';'
                ? State<Rest, Found, Rank>
                : First extends '#'
                  ? Rest extends `${string}\n${infer Line}`
                    ? Scan<`\n${Line}`, Before, At, Found, Rank>
                    : State<'', Found, Rank>
                  : First extends '<'
                    ? Rest extends `=${infer Bound}`
                      ? Scan<Bound, '<=', At extends Either ? Bounded<At> : At, Found, Rank>
                      : Scan<Rest, 'operator', At extends Either ? Bounded<At> : At, Found, Rank>
                    : Scan<Rest, 'operator', At, Found, Rank>
      : Word<Text> extends [infer Name, infer Tail extends string]
        ? First extends NumberStart
          ? Scan<Tail, 'value', At, Found, Rank>
          : Name extends WordOperator
            ? Scan<Tail, 'operator', At, Found, Rank>
            : Tail extends `[${infer Inner}` | `?${infer Inner}`
              ? Before extends 'start'
                ? Scan<Inner, 'open', Bracket<'axes', never, [1], At>, Found | ['local', Name], Rank>
                : Scan<Inner, 'open', Bracket<'read', Name, [1], At>, Found, Rank>
              : Tail extends `(${infer Inner}`
                ? Scan<Inner, 'open', Bracket<CallKind<Name>, never, [1], At>, Found, Rank>
                : Before extends 'start'
                  ? Scan<Tail, 'value', At, Found | ['local', Name], 0>
                  : At extends RangeList
                    ? IsIndex<Before, TrimLines<Tail>> extends true
                      ? At extends Bracket<
                          infer Kind extends 'either' | 'bounded',
                          infer Names,
                          infer Items,
                          infer Below
                        >
                        ? Scan<Tail, 'value', Bracket<Kind, Names | Name, Items, Below>, Found, Rank>
                        : Scan<Tail, 'value', At, Found | ['index', Name], Rank>
                      : Scan<Tail, 'value', At, Found | ['bare', Name], Rank>
                    : Scan<Tail, 'value', At, Found | ['bare', Name], Rank>
        : never
  : Text extends ''
    ? State<'', Found, Rank>
    : Unknown

type Either = Bracket<'either', unknown, unknown, unknown>
type Bounded<At> =
  At extends Bracket<unknown, infer Names, infer Items, infer Below> ? Bracket<'bounded', Names, Items, Below> : never

type CallKind<Name> = Name extends Reduction ? 'ranges' : Name extends 'max' | 'min' ? 'either' : 'other'

/** The name or number that `Text` begins with, and the text behind it and its blanks. */
type Word<Text extends string, Read extends string = ''> = Text extends `${infer First}${infer Rest}`
  ? First extends Break
    ? [Read, Trim<Text>]
    : Word<Rest, `${Read}${First}`>
  : [Read, Text]

type Trim<Text extends string> = Text extends `${Blank}${infer Rest}` ? Trim<Rest> : Text
type TrimLines<Text extends string> = Text extends `${Blank | '\n'}${infer Rest}` ? TrimLines<Rest> : Text

/** Whether a name in a list of ranges is the index of `i`, `i<n` or `a<=i<=b`, by what stands around it. */
type IsIndex<Before, Tail extends string> = Tail extends `<=${string}`
  ? Before extends '<='
    ? true
    : false
  : Before extends 'open'
    ? Tail extends `${',' | ')' | ']' | '<'}${string}`
      ? true
      : false
    : false

/** What the names in the parentheses of max or min are, by what follows: `index` if a term does, so that it reduces. */
type IsReduced<Rest extends string, Kind, Items> =
  Trim<Rest> extends `${infer First}${infer More}`
    ? First extends '('
      ? 'index'
      : First extends '-'
        ? [Kind, Items] extends ['either', 2]
          ? 'bare'
          : 'index'
        : First extends Break
          ? 'bare'
          : Word<`${First}${More}`> extends [WordOperator, unknown]
            ? 'bare'
            : 'index'
    : 'bare'

interface Result<Found, Rank> {
  operands: Operands<
    Extract<Found, ['tensor', unknown, unknown]>,
    Exclude<Named<Found, 'bare'>, Named<Found, 'index'> | NumberName>,
    Named<Found, 'local'>
  >
  rank: Rank
}

type Named<Found, Kind> = Found extends [Kind, infer Name] ? Name : never

type Operands<Tensors extends [unknown, unknown, unknown], Constants, Locals> = {
  [Operand in Tensors | [0, Exclude<Constants, Tensors[1]>, 0] as Exclude<Operand[1], Locals> & string]: Operand[2]
}
