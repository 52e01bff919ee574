/** Which files are shown, and how. */
export interface ViewChoice {
  /** What the layer changed; everything that is there when it is done; the same of the last layer. */
  readonly scope: 'layer' | 'upto' | 'final';
  /** Counted from the lowest, 0. */
  readonly layer: number;
  readonly added: boolean;
  readonly changed: boolean;
  readonly removed: boolean;
  readonly same: boolean;
  /** Without files of the base image. */
  readonly own: boolean;
  /** Smaller ones are left out. Bytes. */
  readonly least: number;
  /** Part of a path, a glob, or `/a regular expression/`. */
  readonly search: string;
  readonly sort: 'size' | 'name' | 'files';
}

/** Sums of a view. */
export interface ViewSums {
  /** Rows of the tree as it is opened now. */
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  /** Entries that the search found; undefined without one. */
  readonly matches?: number;
  /** Why the search is none. */
  readonly fault?: string;
  readonly milliseconds: number;
}

export type RowState = 'same' | 'added' | 'changed' | 'attributes' | 'removed';

/** A row of the tree. */
export interface Row {
  /** Of the node: the same in every view. */
  readonly id: number;
  /** A byte string. */
  readonly name: string;
  /** From 1. */
  readonly level: number;
  readonly kind: string;
  readonly target: string;
  readonly expanded: boolean | undefined;
  readonly state: RowState;
  /** Of a directory: something in it changed. */
  readonly changedBelow: boolean;
  readonly bytes: number;
  /** The part of the whole view, 0 to 1. */
  readonly share: number;
  readonly files: number;
  readonly mode: number;
  readonly owner: string;
  /** Undefined for directories that no layer describes. */
  readonly layer: number | undefined;
  readonly position: number;
  readonly siblings: number;
  /** Other files have the same content. */
  readonly isDuplicate: boolean;
}

/** Everything about one entry. */
export interface Details {
  readonly id: number;
  /** A byte string, without the leading slash. */
  readonly path: string;
  readonly bytes: number;
  readonly files: number;
  readonly versions: readonly Version[];
  /** Other paths with the same content, and other names of the same file. */
  readonly copies: readonly string[];
  readonly names: readonly string[];
  /** Of a symlink: where it leads; undefined when it leads nowhere. */
  readonly leadsTo?: string;
  readonly isBroken: boolean;
}

/** What a layer says of a path. */
export interface Version {
  readonly layer: number;
  readonly kind: string;
  readonly size: number;
  readonly mode: number;
  readonly owner: string;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly sameContent: boolean;
  readonly target: string;
}

/** A rectangle of the map, in the pixels that were asked for. */
export interface Tile {
  readonly id: number;
  readonly name: string;
  readonly isDirectory: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** From 1. */
  readonly depth: number;
  readonly bytes: number;
  readonly files: number;
  readonly layer: number;
  readonly isDuplicate: boolean;
}

/** A directory as the map shows it. */
export interface MapReply {
  readonly tiles: readonly Tile[];
  /** What is in the directory, the largest first; at most a hundred. */
  readonly items: readonly Tile[];
  readonly bytes: number;
  /** From the root to the directory. */
  readonly trail: readonly { readonly id: number; readonly name: string }[];
}

/** What the worker can be asked, and what it answers. */
export interface Requests {
  load: {
    readonly ask: { readonly base64: string; readonly own: readonly boolean[] };
    readonly reply: { readonly entries: number; readonly nodes: number };
  };
  view: { readonly ask: ViewChoice; readonly reply: ViewSums };
  rows: { readonly ask: { readonly from: number; readonly to: number }; readonly reply: readonly Row[] };
  open: {
    readonly ask: { readonly id: number; readonly open: boolean; readonly siblings: boolean };
    readonly reply: ViewSums;
  };
  /** Opens what an entry is in. The reply is its row, -1 where the view has none. */
  reveal: {
    readonly ask: { readonly path: string };
    readonly reply: { readonly row: number; readonly sums: ViewSums };
  };
  details: { readonly ask: { readonly id: number }; readonly reply: Details };
  map: {
    readonly ask: { readonly path: string; readonly width: number; readonly height: number; readonly own: boolean };
    readonly reply: MapReply;
  };
  /** The largest directories that own layers fill. */
  largest: { readonly ask: { readonly own: boolean }; readonly reply: readonly Tile[] };
}

export type RequestName = keyof Requests;

/** A request on its way. */
export interface Asked {
  readonly number: number;
  readonly name: RequestName;
  readonly ask: Requests[RequestName]['ask'];
}

/** Its answer. */
export interface Answered {
  readonly number: number;
  readonly reply?: unknown;
  readonly fault?: string;
}
