"""Every text of the page, in English and Spanish side by side."""

from __future__ import annotations

from typing import Literal, get_args

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_TEXTS: dict[str, tuple[str, str]] = {
    # Frame
    "tagline": (
        "Land cover from WorldView-3 images",
        "Cobertura del suelo a partir de imágenes WorldView-3",
    ),
    "skip": ("Skip to content", "Ir al contenido"),
    "all_results": ("All results", "Todos los resultados"),
    "other_language": ("Español", "English"),
    "noscript": (
        "Suelo's page needs JavaScript; the API and the command line do not.",
        "La página de Suelo necesita JavaScript; la API y la línea de comandos no.",
    ),
    # Signing in
    "sign_in.title": ("Sign in", "Ingresar"),
    "sign_in.label": ("Your token, from the operator of this server", "Su token, que entrega el operador del servidor"),
    "sign_in.button": ("Sign in", "Ingresar"),
    "sign_in.out": ("Sign out", "Salir"),
    "sign_in.done": ("You are signed in.", "Ha ingresado."),
    "sign_in.wrong": ("This token is nobody's, or not any more.", "Este token no es de nadie, o ya no."),
    "sign_in.needed": ("Sign in first.", "Ingrese primero."),
    # The server away (the scripts in assets/ read these)
    "connection.away": (
        "The server does not answer, so what you see may be out of date. It follows once the server is back.",
        "El servidor no responde, así que lo que ve puede estar desactualizado. Se pondrá al día cuando vuelva.",
    ),
    # Kinds of problems, as the API names them; it says more in English
    "problem.unusable-image": ("The image cannot be segmented.", "La imagen no se puede segmentar."),
    "problem.image-too-large": ("The image is too large here.", "La imagen es demasiado grande aquí."),
    "problem.key-reused": ("The key stands for another request.", "La clave es de otra solicitud."),
    "problem.not-signed-in": ("The request needs a token.", "La solicitud necesita un token."),
    "problem.model": ("The model cannot be used.", "El modelo no se puede usar."),
    "problem.not-allowed": ("This is not allowed.", "Esto no está permitido."),
    "problem.not-found": ("There is no such thing.", "No existe o se ha eliminado."),
    "problem.key-in-use": ("The same request is being carried out.", "La misma solicitud está en curso."),
    "problem.conflict": ("The request does not fit the state.", "La solicitud no corresponde al estado."),
    "problem.cancelled": ("The work was cancelled.", "El trabajo fue cancelado."),
    "problem.invalid-request": ("The request cannot be understood.", "Lo que se envió no es válido."),
    "problem.unavailable": ("The service is not ready.", "El servicio no está listo."),
    "problem.full-disk": ("There is no room left.", "No queda espacio."),
    "problem.failure": ("The work failed.", "El trabajo falló."),
    # First page
    "home.title": ("What covers the ground?", "¿Qué cubre el suelo?"),
    "home.lede": (
        "Give Suelo a WorldView-3 image with eight bands. It finds buildings, roads, trees, crops, water and vehicles, "
        "counts them, and measures their area.",
        "Entregue a Suelo una imagen WorldView-3 de ocho bandas. Encuentra edificaciones, vías, árboles, cultivos, "
        "agua y vehículos, los cuenta y mide su área.",
    ),
    "home.drop": ("Drop images here", "Suelte imágenes aquí"),
    "home.choose": ("Choose images", "Elegir imágenes"),
    "home.formats": (
        "TIFF or GeoTIFF with eight bands, from a small chip to a whole scene",
        "TIFF o GeoTIFF de ocho bandas, desde un recorte hasta una escena completa",
    ),
    "home.gsd": ("Pixel size, if the file does not say", "Tamaño del píxel, si el archivo no lo dice"),
    "home.gsd_unit": ("metres", "metros"),
    "home.sample": ("No image at hand?", "¿No tiene una imagen?"),
    "home.sample_text": (
        "Look at the result for a simulated scene near Bogotá first.",
        "Mire primero el resultado de una escena simulada cerca de Bogotá.",
    ),
    "home.sample_button": ("Try the sample scene", "Probar la escena de ejemplo"),
    "home.sample_busy": ("Preparing the sample …", "Preparando el ejemplo …"),
    "home.finds": ("What it finds", "Qué encuentra"),
    "home.results": ("Results", "Resultados"),
    "home.results_note": (
        "Images sent from this browser. A result's address can be shared.",
        "Imágenes enviadas desde este navegador. La dirección de un resultado se puede compartir.",
    ),
    "home.empty": (
        "Nothing here yet. Drop an image above, or try the sample scene.",
        "Todavía no hay nada. Suelte una imagen arriba o pruebe la escena de ejemplo.",
    ),
    "home.older": ("Show older results", "Mostrar resultados anteriores"),
    # Uploads (the script in assets/ reads these)
    "upload.uploads": ("Uploads", "Envíos"),
    "upload.waiting": ("Waiting", "En espera"),
    "upload.reading": ("Reading: {percent} % of {size}", "Leyendo: {percent} % de {size}"),
    "upload.unreadable": (
        "The file cannot be read; choose it again.",
        "El archivo no se puede leer; elíjalo de nuevo.",
    ),
    "upload.sending": ("Sending: {percent} % of {size}", "Enviando: {percent} % de {size}"),
    "upload.segmenting": ("Finding land cover …", "Buscando coberturas …"),
    "upload.done": ("Done", "Listo"),
    "upload.queued": ("In the queue", "En la cola"),
    "upload.known": (
        "This image was sent before, as “{name}”; that is its result.",
        "Esta imagen ya se envió antes, como «{name}»; ese es su resultado.",
    ),
    "upload.cancelled": ("Cancelled", "Cancelado"),
    "upload.cancel": ("Cancel", "Cancelar"),
    "upload.cancel_file": ("Cancel {name}", "Cancelar {name}"),
    "upload.open": ("Open", "Abrir"),
    "upload.bad_gsd": (
        "The pixel size must be a number of metres from {least} to {most}.",
        "El tamaño del píxel debe ser un número de metros entre {least} y {most}.",
    ),
    "upload.sign_in_first": ("Sign in first.", "Ingrese primero."),
    "upload.cancelling": ("Cancelling …", "Cancelando …"),
    "upload.too_late": ("It was done before it could be cancelled", "Terminó antes de que se pudiera cancelar"),
    "upload.offline": (
        "The server did not answer; check the connection and send the image again.",
        "El servidor no respondió; revise la conexión y envíe la imagen otra vez.",
    ),
    # Results in a list
    "status.queued": ("Waiting", "En espera"),
    "status.running": ("Running", "En proceso"),
    "status.succeeded": ("Done", "Listo"),
    "status.failed": ("Failed", "Falló"),
    "status.cancelled": ("Cancelled", "Cancelado"),
    "row.sample_name": ("Sample", "Ejemplo"),
    "row.sample": ("For everyone", "Para todos"),
    "row.open_name": ("Open {name}", "Abrir {name}"),
    "row.delete": ("Delete", "Eliminar"),
    "row.delete_name": ("Delete {name}", "Eliminar {name}"),
    "delete.title": ("Delete this result?", "¿Eliminar este resultado?"),
    "delete.text": (
        "The image, its land cover and all files of “{name}” will be gone for everyone who has its address.",
        "La imagen, su cobertura y todos los archivos de «{name}» desaparecerán para quien tenga su dirección.",
    ),
    "delete.keep": ("Keep it", "Conservar"),
    # A job that is not done
    "stage.waiting": ("Waiting for its turn", "Esperando su turno"),
    "stage.reading": ("Reading the image", "Leyendo la imagen"),
    "stage.network": ("Finding land cover", "Buscando coberturas"),
    "stage.polygons": ("Drawing outlines", "Trazando contornos"),
    "stage.files": ("Writing files", "Escribiendo archivos"),
    "job.progress": ("{percent} % done", "{percent} % listo"),
    "job.leave": (
        "You may close this page; the result will wait at this address.",
        "Puede cerrar esta página; el resultado esperará en esta dirección.",
    ),
    "job.cancel": ("Cancel", "Cancelar"),
    "job.failed": ("This image could not be segmented", "No se pudo segmentar esta imagen"),
    "job.reason": ("{reason}", "El servidor dice, en inglés: «{reason}»"),
    "job.failed_help": (
        "Send the image again, mended if the reason lies in it. If that does not help, tell the operator of this "
        "server.",
        "Envíe la imagen otra vez, corregida si la razón está en ella. Si eso no ayuda, avise al operador de este "
        "servidor.",
    ),
    "job.cancelled": ("This segmentation was cancelled", "Esta segmentación fue cancelada"),
    "job.cancelled_help": ("Send the image again to segment it.", "Envíe la imagen otra vez para segmentarla."),
    "job.another": ("Send another image", "Enviar otra imagen"),
    "missing.title": ("There is nothing at this address", "No hay nada en esta dirección"),
    "missing.text": (
        "The result may have been deleted, or the address is incomplete.",
        "Es posible que el resultado se haya eliminado o que la dirección esté incompleta.",
    ),
    "missing.home": ("Go to the first page", "Ir a la primera página"),
    # Map
    "map.label": (
        "Map of the result. Arrow keys move it, plus and minus zoom.",
        "Mapa del resultado. Las flechas lo mueven; más y menos acercan y alejan.",
    ),
    "map.image": ("Image", "Imagen"),
    "map.true-colour": ("True colour", "Color real"),
    "map.near-infrared": ("Near-infrared", "Infrarrojo cercano"),
    "map.ndvi": ("NDVI", "NDVI"),
    "map.opacity": ("Classes", "Clases"),
    "map.opacity_label": ("Opacity of the classes", "Opacidad de las clases"),
    "map.fit": ("Fit", "Encuadrar"),
    "map.fit_label": ("Show the whole image", "Mostrar toda la imagen"),
    "map.basemap": ("Background map", "Mapa de fondo"),
    "map.zoom_in": ("Zoom in", "Acercar"),
    "map.zoom_out": ("Zoom out", "Alejar"),
    "map.basemap_away": (
        "The background map cannot be reached from here.",
        "El mapa de fondo no se puede alcanzar desde aquí.",
    ),
    "map.pixel": ("row {row}, column {column}", "fila {row}, columna {column}"),
    "map.no_data": ("No data here", "Sin datos aquí"),
    "map.no_class": ("None of the ten classes", "Ninguna de las diez clases"),
    # Classes and thresholds
    "classes.title": ("Classes", "Clases"),
    "classes.class": ("Class", "Clase"),
    "classes.threshold": ("Threshold", "Umbral"),
    "classes.objects": ("Objects", "Objetos"),
    "classes.hectares": ("Hectares", "Hectáreas"),
    "classes.share": ("Share", "Parte"),
    "classes.mean": ("Mean prob.", "Prob. media"),
    "classes.all": ("All classes", "Todas las clases"),
    "classes.show": ("Show {name}", "Mostrar {name}"),
    "classes.only": ("only", "solo"),
    "classes.only_label": ("Show only {name}", "Mostrar solo {name}"),
    "classes.threshold_of": ("Threshold of {name}", "Umbral de {name}"),
    "classes.threshold_all": ("Threshold of all classes", "Umbral de todas las clases"),
    "classes.mixed": ("mixed", "varios"),
    "classes.reset": ("Reset", "Restablecer"),
    "classes.reset_label": (
        "Set all thresholds to the model's defaults",
        "Volver a los umbrales por defecto del modelo",
    ),
    "classes.mangled": (
        "This address says something that cannot be heeded, so the model's own thresholds are shown: {reason}",
        "Esta dirección dice algo que no se puede atender, así que se usan los umbrales del modelo. En inglés: "
        "«{reason}»",
    ),
    "classes.as_usual": ("Show as usual", "Mostrar como de costumbre"),
    "classes.smaller": ("Objects smaller than these are left out: {areas}.", "Se omiten objetos menores que: {areas}."),
    "classes.smaller_all": (
        "Objects smaller than {area} m² are left out.",
        "Se omiten objetos menores que {area} m².",
    ),
    "classes.every_size": ("Objects of every size are shown.", "Se muestran objetos de cualquier tamaño."),
    "classes.smoothed": (
        "Outlines of polygons in files are smoothed within {metres} m.",
        "Los contornos de los polígonos en archivos se suavizan hasta {metres} m.",
    ),
    "classes.no_crs": (
        "This image has no coordinates: a pixel is taken to be {gsd} wide, and polygons in files are in pixels.",
        "Esta imagen no tiene coordenadas: se toma un píxel de {gsd} de ancho, y los polígonos en archivos van en "
        "píxeles.",
    ),
    "classes.asked": ("As this address asks:", "Como lo pide esta dirección:"),
    "classes.help": (
        "A pixel belongs to a class where its probability reaches the threshold. Classes overlap: a car is on a road.",
        "Un píxel pertenece a una clase donde su probabilidad alcanza el umbral. Las clases se superponen: un carro "
        "está sobre una vía.",
    ),
    # Chart, table
    "tab.chart": ("Chart", "Gráfico"),
    "tab.table": ("Table", "Tabla"),
    "tab.download": ("Download", "Descargas"),
    "tab.about": ("About", "Acerca de"),
    "chart.measure": ("Measure", "Medida"),
    "chart.label": ("Bar chart of the classes that are shown", "Gráfico de barras de las clases visibles"),
    "chart.hectares": ("Hectares", "Hectáreas"),
    "chart.objects": ("Objects", "Objetos"),
    "chart.share": ("Share of the image", "Parte de la imagen"),
    "chart.share_axis": ("% of the image", "% de la imagen"),
    "chart.empty": ("All classes are switched off.", "Todas las clases están apagadas."),
    "table.caption": (
        "Objects and areas of the classes that are shown, without the smallest objects (see About). Share is of the "
        "image's area with data.",
        "Objetos y áreas de las clases visibles, sin los objetos más pequeños (véase Acerca de). La parte es del área "
        "de la imagen con datos.",
    ),
    # Downloads
    "download.intro": (
        "Files hold exactly what is shown now: the classes that are on, at these thresholds, without the smallest "
        "objects (see About).",
        "Los archivos contienen exactamente lo que se muestra ahora: las clases encendidas, con estos umbrales, sin "
        "los objetos más pequeños (véase Acerca de).",
    ),
    "download.whole": ("Always all ten classes:", "Siempre las diez clases:"),
    "download.polygons.gpkg": (
        "Polygons with colours, for QGIS and ArcGIS",
        "Polígonos con colores, para QGIS y ArcGIS",
    ),
    "download.polygons.geojson": ("Polygons, for the web", "Polígonos, para la web"),
    "download.polygons.fgb": ("Polygons, quick to read", "Polígonos, de lectura rápida"),
    "download.classes.xlsx": ("Objects and areas, for spreadsheets", "Objetos y áreas, para hojas de cálculo"),
    "download.classes.csv": ("Objects and areas, for programs", "Objetos y áreas, para programas"),
    "download.preview.png": ("Picture of the map", "Imagen del mapa"),
    "download.result.json": ("Summary with model and settings", "Resumen con modelo y parámetros"),
    "download.probabilities.tif": ("Probabilities as a raster, 0 to 250", "Probabilidades en ráster, de 0 a 250"),
    # About
    "about.image": ("Image", "Imagen"),
    "about.name": ("Name", "Nombre"),
    "about.size": ("Size", "Tamaño"),
    "about.pixels": ("{width} × {height} pixels", "{width} × {height} píxeles"),
    "about.gsd": ("Pixel size", "Tamaño del píxel"),
    "about.crs": ("Coordinates", "Coordenadas"),
    "about.no_crs": ("none; rows and columns", "ninguna; filas y columnas"),
    "about.date": ("Segmented", "Segmentada"),
    "about.model": ("Model", "Modelo"),
    "about.other_model": (
        "Another model runs here now than the one that made this result; its figures are not at hand. Send the image "
        "again to use the new one.",
        "Ahora corre aquí otro modelo, distinto del que hizo este resultado, y sus cifras no están a mano. Envíe la "
        "imagen otra vez para usar el nuevo.",
    ),
    "about.trust": ("How far can I trust this?", "¿Qué tan confiable es?"),
    "about.trust_mean": (
        "Where it was measured, the map and the truth share {mean} of their joint area, averaged over the classes "
        "(Jaccard index; 100 % is perfect). It varies much by class:",
        "Donde se midió, el mapa y la verdad comparten {mean} de su área conjunta, en promedio de las clases (índice "
        "de Jaccard; 100 % es perfecto). Varía mucho según la clase:",
    ),
    "about.measured_on": ("Measured on:", "Medido en (dicho en inglés):"),
    "about.trust_none": (
        "Nobody has measured this model yet; treat the numbers as a first look.",
        "Nadie ha medido este modelo todavía; tome las cifras como una primera mirada.",
    ),
    "about.trust_advice": (
        "Other cities, seasons or haze can be further off. Compare with the image before you decide.",
        "En otras ciudades o épocas, o con bruma, puede alejarse más. Compare con la imagen antes de decidir.",
    ),
    "about.contract": ("All about the model (JSON)", "Todo sobre el modelo (JSON)"),
    "about.not_measured": ("not measured", "sin medir"),
}


class Texts:
    """The texts of one language.

    Attributes:
        language: "en" or "es".
    """

    def __init__(self, language: Language) -> None:
        """Choose a language."""
        self.language: Language = language
        self._index = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key with `{names}` filled in; without values the text as it stands."""
        text = _TEXTS[key][self._index]
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        """Whether there is a text with this key."""
        return key in _TEXTS

    def section(self, name: str) -> dict[str, str]:
        """The texts whose keys begin with `name.`, for the scripts of the page."""
        start = name + "."
        return {key.removeprefix(start): pair[self._index] for key, pair in _TEXTS.items() if key.startswith(start)}
