/** The text of a shell program, which bundles hold as such: nothing is read when a command starts. */
declare module '*.sh' {
  const text: string;
  export default text;
}
