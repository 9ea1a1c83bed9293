// Where values live while a function is printed: a stack of frames. A frame is a stretch of code that is entered at its top
// only (a function, the body of a loop or branch, one statement), so what it computed stays valid until it ends.
// A loop frame collects code to run once before the loop (invariant values) and at the end of each turn (moving pointers).

import type { Expr, Var } from '../../ir/expr.ts';
import { IrError } from '../../ir/expr-make.ts';
import type { Code, ModuleBuilder, ValueType } from './binaryen.ts';
import type { Linear } from './linear.ts';
import { createLocals, type Local, type Locals, type Moment } from './locals.ts';

export interface LoopFrame {
  readonly index?: Var;
  /** The loop contains no other loop. */
  readonly innermost: boolean;
  /** The loop contains exactly one loop directly inside. */
  readonly single: boolean;
  readonly started: Moment;
  readonly before: Code[];
  readonly afterEachTurn: Code[];
}

export interface Frame {
  readonly parent: Frame | undefined;
  readonly depth: number;
  readonly loop?: LoopFrame;
  /** Values computed already, by expression object or by key. */
  readonly known: Map<Expr | string, Local>;
  /** Locals to give back at the end. */
  readonly held: Local[];
  /**
   * A branch inside an expression. What follows in print may come before it in execution (the first operand is kept in a
   * local once the second is printed), so its locals serve again only after the statement.
   */
  readonly branch?: boolean;
  /** How often each expression of a statement is used in it. */
  readonly uses?: ReadonlyMap<Expr, number>;
  /** The expressions of a statement. */
  readonly roots?: readonly Expr[];
}

export interface Binding {
  /** Depth of the frame that binds the variable. */
  readonly depth: number;
  readonly local?: Local;
  /** The value as a sum, where it is one of loop indices and sizes. */
  readonly linear?: Linear;
}

export interface Scope {
  readonly locals: Locals;
  frame(): Frame;
  /** Runs `print` in a new frame inside the current one. */
  inFrame<T>(options: Partial<Pick<Frame, 'loop' | 'branch' | 'uses' | 'roots' | 'known'>>, print: () => T): T;
  /** Loop frames around the current position, outermost first. */
  loopFrames(): readonly Frame[];
  bind(variable: Var, binding: Binding): void;
  isBound(variable: Var): boolean;
  binding(variable: Var): Binding;
  /** A value that has been computed in the current frame or one around it, or in `start` or one around that. */
  known(key: Expr | string, start?: Frame): Local | undefined;
  /** A local until the current frame ends. */
  hold(type: ValueType): Local;
  /** Computes a value before the loop of `frame` (or finds it there) and keeps it while the loop runs. */
  hoist(frame: Frame, key: Expr | string, type: ValueType, print: () => Code): Local;
  /** Grows with every change of the bindings: what was derived from them must be derived again. */
  version(): number;
}

export function createScope(module: ModuleBuilder, parameters: readonly ValueType[]): Scope {
  const locals = createLocals(parameters);
  const bindings = new Map<Var, Binding>();
  let version = 0;
  let current: Frame = { parent: undefined, depth: 0, known: new Map(), held: [] };

  const run = <T>(frame: Frame, print: () => T): T => {
    const outer = current;
    current = frame;
    try {
      return print();
    } finally {
      current = outer;
      for (const local of frame.held) {
        if (frame.branch) outer.held.push(local);
        else locals.give(local);
      }
    }
  };
  const newFrame = (parent: Frame): Frame => ({ parent, depth: parent.depth + 1, known: new Map(), held: [] });
  const known = (key: Expr | string, start: Frame = current): Local | undefined => {
    for (let frame: Frame | undefined = start; frame; frame = frame.parent) {
      const found = frame.known.get(key);
      if (found) return found;
    }
    return undefined;
  };

  return {
    locals,
    frame: () => current,
    inFrame: (options, print) => run({ ...newFrame(current), ...options }, print),
    loopFrames() {
      const frames: Frame[] = [];
      for (let frame: Frame | undefined = current; frame; frame = frame.parent) if (frame.loop) frames.unshift(frame);
      return frames;
    },
    bind(variable, binding) {
      version++;
      bindings.set(variable, binding);
    },
    isBound: (variable) => bindings.has(variable),
    binding(variable) {
      const found = bindings.get(variable);
      if (!found) throw new IrError(`variable ${variable.name} is not bound here`);
      return found;
    },
    known,
    hold(type) {
      const local = locals.take(type);
      current.held.push(local);
      return local;
    },
    hoist(frame, key, type, print) {
      // Frames further inside may know the value too, but not for as long as this loop runs.
      const found = known(key, frame);
      if (found) return found;
      const { loop, parent } = frame;
      if (!loop || !parent) throw new IrError('values are hoisted out of loops only');
      const code = run(newFrame(parent), print);
      // The local must not have served inside the loop, where that code would overwrite it in the next turn.
      const local = locals.take(type, loop.started);
      frame.held.push(local);
      frame.known.set(key, local);
      loop.before.push(module.set(local.index, code));
      return local;
    },
    version: () => version,
  };
}
