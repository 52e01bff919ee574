/** A private network that reaches the world. */
export interface NetworkConnection {
  /** Ends the program that forwards. */
  close(): void;
}
