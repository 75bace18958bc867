import { useTranslation } from "react-i18next";
import { Reach } from "../shared/reach";
import { Away } from "../shared/ui/away";
import { queries } from "./shop";

const reach = new Reach(queries);

export default function ShopAway() {
  const { t } = useTranslation();
  return <Away reach={reach} text={t("problem.away")} />;
}
