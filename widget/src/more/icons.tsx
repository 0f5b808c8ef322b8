// Which drawings does the menu use besides the panel's?
import { draw } from '../panel/icons';

export const Download = draw('M12 4v11M7 11l5 5 5-5', 'M5 20h14');
export const Bin = draw('M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13', 'M10.5 11v5M13.5 11v5');
