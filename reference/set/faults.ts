export { errno, fault, guarded } from '../files/faults.ts';
