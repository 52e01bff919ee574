/** The text of a document, which the bundle holds as such, for the command that shows it. */
declare module '*.md' {
  const text: string;
  export default text;
}
